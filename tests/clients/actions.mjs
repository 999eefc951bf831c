// Runs the Actions of docs/issuers/auth0.md. Auth0 gives an Action the methods that the user had used when
// the Action began, and shows a challenge after it.

import { input, print } from './io.mjs';

const { actions, logins } = await input();
const load = (source) => {
  const exports = {};
  new Function('exports', source)(exports);
  return exports.onExecutePostLogin;
};
const handlers = actions.map(load);

/** Signs a user in, and returns what the Actions did. `proves` is the factor that the user has. */
const signIn = async ({ event, proves }) => {
  const result = { challenges: [], claims: {}, denied: null };
  const methods = [...event.authentication.methods];
  const api = {
    access: { deny: (reason) => { result.denied = reason; } },
    accessToken: { setCustomClaim: (name, value) => { result.claims[name] = value; } },
    authentication: { challengeWithAny: (factors) => { result.challenges.push(factors.map(({ type }) => type)); } },
  };
  for (const handler of handlers) {
    const asked = result.challenges.length;
    await handler({ ...event, authentication: { methods: [...methods] } }, api);
    if (result.challenges.length > asked) {
      methods.push({ name: 'mfa', timestamp: event.now, type: proves });
    }
  }
  return result;
};

const results = [];
for (const login of logins) {
  results.push(await signIn(login));
}
print(results);
