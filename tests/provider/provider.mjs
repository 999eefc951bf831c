// An OpenID provider for tests. README.md describes how to use it.

import { createServer } from 'node:http';

import { Provider } from './internals.mjs';
import { configuration } from './configuration.mjs';
import { registeredClients } from './clients.mjs';
import { control } from './control.mjs';
import { interaction } from './interaction.mjs';
import { newKeys } from './keys.mjs';
import { sendJson } from './http.mjs';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const keys = await newKeys();
const clients = registeredClients(issuer);
const accounts = new Set();
const levels = { voluntary: false };
const provider = new Provider(issuer, configuration({ keys, clients, accounts, levels }));
provider.on('server_error', (_ctx, error) => console.error(error));
provider.on('backchannel.error', (_ctx, error) => console.error(error));

const requests = [];
provider.on('interaction.started', ({ oidc: { params } }) => {
  requests.push({ acr_values: params.acr_values, max_age: params.max_age });
});

const handleOpenId = provider.callback();
const handleControl = control({ provider, keys, clients, levels, requests });
const handleInteraction = interaction({ provider, accounts, levels });

server.on('request', (req, res) => {
  const path = req.url.split('?', 1)[0];
  const refuse = (error) =>
    sendJson(res, 400, { error: error.error_description ?? error.message });
  if (path.startsWith('/control/')) {
    handleControl(req, res, path).catch(refuse);
  } else if (path.startsWith('/interaction/')) {
    handleInteraction(req, res).catch(refuse);
  } else {
    handleOpenId(req, res);
  }
});

for (const event of ['end', 'close']) process.stdin.on(event, () => process.exit(0));
process.stdin.resume();
console.log(`issuer ${issuer}`);
