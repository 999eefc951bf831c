// Loads oidc-provider, and the parts of it that its package does not export. Everything here
// depends on the pinned version in package.json.

// oidc-provider writes notices with `console.info`. Stdout carries the issuer only.
console.info = console.error;

// oidc-provider 9 calls `URL.parse`, which Node 20 does not have.
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};

const library = import.meta.resolve('oidc-provider');
const load = (path) => import(new URL(path, library));

export const { Provider, errors, interactionPolicy } = await import('oidc-provider');
export const { createMemoryAdapter } = await load('./adapters/memory_adapter.js');
const { default: state } = await load('./helpers/weak_cache.js');
const { default: initializeKeystore } = await load('./helpers/initialize_keystore.js');

/**
 * Replaces the keys of a running provider. Its constructor makes the same call. The provider reads
 * the key store for every signature and the public set for every request of its JWKS, and it signs
 * with the first key that fits the algorithm.
 */
export function replaceKeys(provider, keys) {
  initializeKeystore.call(provider, { keys });
}

/** Returns the public keys that the provider publishes, in their order. */
export function publishedKeys(provider) {
  return state(provider).jwks.keys;
}
