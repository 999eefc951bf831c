import { ACR_VALUES, levelNamed, satisfies } from './levels.mjs';
import { readBody, send, sendJson } from './http.mjs';

const PAGE = `<!doctype html>
<title>Sign in</title>
<form method="post">
  <input name="login" placeholder="user">
  <select name="level">${ACR_VALUES.map((acr) => `<option>${acr}</option>`).join('')}</select>
  <button>Continue</button>
  <button name="abort" value="1">Cancel</button>
</form>
`;

/** Returns the handler of the interaction page, where a user signs in or consents. */
export function interaction({ provider, accounts }) {
  return async (req, res) => {
    const { prompt, params } = await provider.interactionDetails(req, res);
    if (req.method === 'GET') {
      send(res, 200, 'text/html; charset=utf-8', PAGE);
      return;
    }
    const form = new URLSearchParams(await readBody(req));
    const { problem, result } = outcome(prompt.name, params, form);
    if (problem) {
      sendJson(res, 400, { error: problem });
      return;
    }
    if (result.login) accounts.add(result.login.accountId);
    await provider.interactionFinished(req, res, result);
  };
}

/** Returns the result of a submitted form, or the problem with it. */
function outcome(prompt, { acr_values: acrValues, prompt: prompts }, form) {
  if (form.has('abort')) {
    const error_description = 'the user cancelled';
    return { result: { error: 'access_denied', error_description } };
  }
  if (prompt === 'consent') return { result: { consent: {} } };

  const accountId = form.get('login');
  const level = levelNamed(form.get('level'));
  if (!accountId) return { problem: 'login is missing' };
  if (!level) return { problem: `level has to be one of ${ACR_VALUES.join(', ')}` };
  if (!satisfies(level.acr, acrValues)) {
    return { problem: `level ${level.acr} does not meet acr_values=${acrValues}` };
  }
  const login = { accountId, ...level, ts: Math.floor(Date.now() / 1000) };
  // One page asks for both, so that a request with prompt=consent takes one step.
  const consent = prompts?.split(' ').includes('consent') ? { consent: {} } : {};
  return { result: { login, ...consent } };
}
