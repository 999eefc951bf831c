//! Reads answers with Ory's SDK, which opens the page that they name.

import {
  Configuration, FrontendApi, handleFlowError, isNeedsPrivilegedSessionError, isSessionAal2Required,
} from '@ory/client-fetch';

import { input, print } from './io.mjs';

/** Calls `/sessions/whoami` below this path, as a page does to find out who is signed in. */
async function whoami({ basePath, headers }) {
  const api = new FrontendApi(new Configuration({ basePath, headers }));
  const seen = { redirect: null };
  const never = (name) => () => { throw new Error(`${name} is called`); };
  await api.toSession().catch(async (error) => {
    const body = await error.response.clone().json();
    seen.status = error.response.status;
    seen.body = body;
    seen.isSessionAal2Required = isSessionAal2Required(body);
    seen.isNeedsPrivilegedSessionError = isNeedsPrivilegedSessionError(body);
    const handle = handleFlowError({
      onRestartFlow: never('onRestartFlow'),
      onValidationError: never('onValidationError'),
      onRedirect: (url, external) => { seen.redirect = { url, external }; },
    });
    await handle(error);
  });
  return seen;
}

const answers = [];
for (const request of await input()) answers.push(await whoami(request));
print(answers);
