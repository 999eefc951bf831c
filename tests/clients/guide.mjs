//! Runs the scripts of the guide for authors of clients, as modules.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { input, print } from './io.mjs';

const { url, scripts, plays, challenged } = await input();

// A module finds the packages in the directories above it.
const directory = await mkdtemp(join(import.meta.dirname, 'node_modules', '.guide-'));

/** Imports the script whose first line is this comment. */
async function script(name) {
  const text = scripts.find((text) => text.startsWith(`// ${name}\n`));
  const file = join(directory, name.replace(/\.js$/, '.mjs'));
  await writeFile(file, text);
  return import(file);
}

/** Sends a request. Each action yields the next of these tokens. */
async function play(send, { path, tokens: [first, ...rest] }) {
  let token = first;
  const actions = {};
  const seen = [];
  for (const action of ['signIn', 'refresh', 'authorize', 'prompt', 'enrol', 'wait']) {
    actions[action] = async ({ detail, ...details }) => {
      seen.push({ action, ...details });
      token = rest.shift();
    };
  }
  const request = () =>
    fetch(url + path, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  const outcome = await send(request, actions).then(
    (response) => response.status,
    (error) => error.message,
  );
  return { actions: seen, outcome };
}

try {
  const { send } = await script('answers.js');
  const { call } = await script('challenge.js');
  const { authorizationUrl } = await script('authorize.js');
  const oauth = await import('oauth4webapi');

  const played = [];
  for (const one of plays) played.push(await play(send, one));
  const { response, parameters } = await call(challenged.token, 'GET', new URL(url + challenged.path), {
    [oauth.allowInsecureRequests]: true, // the test's server is on loopback
  });
  const endpoint = 'https://login.example.com/authorize';
  const address = authorizationUrl(endpoint, { client_id: 'shop', scope: 'openid' }, parameters);
  print({ plays: played, challenged: { status: response.status, parameters, address } });
} finally {
  await rm(directory, { recursive: true });
}
