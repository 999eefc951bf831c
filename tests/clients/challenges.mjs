//! Calls servers with oauth4webapi, and prints what it reads from their answers.

import * as oauth from 'oauth4webapi';

import { input, print } from './io.mjs';

/** Sends exactly these headers, even if they contain no token. */
const sending = (headers) => (url, options) => fetch(url, { ...options, headers });

async function call({ url, headers }) {
  const options = {
    [oauth.allowInsecureRequests]: true, // the test's server is on loopback
    [oauth.customFetch]: sending(headers),
  };
  try {
    const response = await oauth.protectedResourceRequest(
      'unused', 'GET', new URL(url), undefined, undefined, options,
    );
    return { challenges: null, response };
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
    return { challenges: error.cause, response: error.response };
  }
}

/** Reads a body as JSON if it is JSON. */
const read = (type, text) => (type?.endsWith('json') ? JSON.parse(text) : text);

const answers = [];
for (const request of await input()) {
  const { challenges, response } = await call(request);
  const { status, headers } = response;
  const type = headers.get('content-type');
  const retryAfter = headers.get('retry-after');
  const body = read(type, await response.text());
  answers.push({ status, challenges, retryAfter, type, body });
}
print(answers);
