import { ACR_VALUES, levelNamed, satisfies } from './levels.mjs';
import { readBody, send, sendJson } from './http.mjs';

/** Returns the handler of the interaction page, where a user signs in or consents. */
export function interaction({ provider, accounts, levels }) {
  return async (req, res) => {
    const { prompt, params, session } = await provider.interactionDetails(req, res);
    const acrValues = levels.voluntary ? undefined : params.acr_values;
    if (req.method === 'GET') {
      send(res, 200, 'text/html; charset=utf-8', page(acrValues, session?.accountId));
      return;
    }
    const form = new URLSearchParams(await readBody(req));
    const { problem, result } = outcome(prompt.name, params.prompt, acrValues, form);
    if (problem) {
      sendJson(res, 400, { error: problem });
      return;
    }
    if (result.login) accounts.add(result.login.accountId);
    await provider.interactionFinished(req, res, result);
  };
}

/** Returns the result of a submitted form, or the problem with it. */
function outcome(prompt, prompts, acrValues, form) {
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

/** Returns the page with the levels that meet the request. `login` is the user, if there is one. */
function page(acrValues, login = '') {
  const offered = ACR_VALUES.filter((acr) => satisfies(acr, acrValues));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in – test provider</title>
<main>
  <h1>Sign in</h1>
  <form method="post">
    <p><label>User <input name="login" required autocomplete="username" value="${escape(login)}"></label></p>
    <p><label>Level <select name="level">${offered.map((acr) => `<option>${acr}</option>`).join('')}</select></label></p>
    <p><button>Continue</button> <button name="abort" value="1" formnovalidate>Cancel</button></p>
  </form>
</main>
</html>
`;
}

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
