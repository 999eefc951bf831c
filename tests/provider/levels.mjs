/**
 * The levels of authentication, from the lowest to the highest. `acr` is the name. The first one is
 * that of a browser which the provider remembers.
 */
const LEVELS = [
  { acr: '0', amr: [] },
  { acr: 'silver', amr: ['pwd'] },
  { acr: 'gold', amr: ['pwd', 'otp', 'mfa'] },
];

export const ACR_VALUES = LEVELS.map((level) => level.acr);

/** Returns the level with this name, or undefined. */
export function levelNamed(name) {
  return LEVELS.find((level) => level.acr === name);
}

/** Returns whether a level is at least as high as one of the requested values that are known. */
export function satisfies(acr, acrValues) {
  const requested = (acrValues ?? '').split(' ').map(rank).filter((known) => known >= 0);
  return requested.length === 0 || requested.some((wanted) => rank(acr) >= wanted);
}

function rank(acr) {
  return ACR_VALUES.indexOf(acr);
}
