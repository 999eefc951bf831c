import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** Returns a new pair of private keys as JWKs. The provider sets `kid` to the thumbprint. */
export async function newKeys() {
  const [rsa, ec] = await Promise.all([
    generate('rsa', { modulusLength: 2048 }),
    generate('ec', { namedCurve: 'P-256' }),
  ]);
  const jwk = (pair, alg) => ({ ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig' });
  return [jwk(rsa, 'RS256'), jwk(ec, 'ES256')];
}
