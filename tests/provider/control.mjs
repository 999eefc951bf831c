import { newKeys } from './keys.mjs';
import { publishedKeys, replaceKeys } from './internals.mjs';
import { readBody, sendJson } from './http.mjs';

const realNow = Date.now.bind(Date);
const CHANGEABLE = ['redirect_uris', 'post_logout_redirect_uris', 'backchannel_logout_uri'];

/** Returns the handler of the endpoints under /control/, which change the running provider. */
export function control({ provider, keys, clients, levels, requests }) {
  const logoutTokens = [];

  const routes = {
    'GET /control/health': () => ({
      issuer: provider.issuer,
      now: Math.floor(Date.now() / 1000),
      kids: kids(provider),
    }),

    'POST /control/clock'({ offset }) {
      if (!Number.isFinite(offset)) throw new Error('offset has to be a number of seconds');
      Date.now = () => realNow() + offset * 1000;
      return { now: Math.floor(Date.now() / 1000) };
    },

    async 'POST /control/rotate'({ withdraw = false }) {
      const old = withdraw ? [] : keys;
      keys = [...(await newKeys()), ...old];
      replaceKeys(provider, keys);
      return { kids: kids(provider) };
    },

    'POST /control/client'({ client_id, ...changes }) {
      const client = clients.get(client_id);
      if (!client) throw new Error('client_id names no client');
      const unknown = Object.keys(changes).find((name) => !CHANGEABLE.includes(name));
      if (unknown) throw new Error(`only ${CHANGEABLE.join(', ')} can be changed`);
      clients.set(client_id, { ...client, ...changes });
      return clients.get(client_id);
    },

    'POST /control/levels'({ voluntary }) {
      if (typeof voluntary !== 'boolean') throw new Error('voluntary has to be true or false');
      levels.voluntary = voluntary;
      return levels;
    },

    'GET /control/requests': () => requests,

    'GET /control/logout-tokens': () => logoutTokens,
  };

  return async (req, res, path) => {
    const recorder = path.match(/^\/control\/logout-token\/(\w+)$/);
    if (req.method === 'POST' && recorder) {
      const logout_token = new URLSearchParams(await readBody(req)).get('logout_token');
      logoutTokens.push({ client_id: recorder[1], logout_token });
      res.writeHead(204).end();
      return;
    }
    const route = routes[`${req.method} ${path}`];
    if (!route) {
      sendJson(res, 404, { error: 'there is no such control endpoint' });
      return;
    }
    const body = await readBody(req);
    sendJson(res, 200, await route(body ? JSON.parse(body) : {}));
  };
}

function kids(provider) {
  return publishedKeys(provider).map(({ alg, kid }) => ({ alg, kid }));
}
