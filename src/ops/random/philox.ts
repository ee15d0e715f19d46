import { checkArgument, integer, type Rule, rule } from '../../arguments.js';

/** Four 32-bit words. */
export type PhiloxBlock = readonly [number, number, number, number];

/**
 * Philox4x32-10: four random words for one value of the counter. Bit for bit what kernels/lib/philox.wgsl
 * and native/src/philox.h give (Salmon et al., SC 2011, section 3.3).
 */
export function philox(counter: PhiloxBlock, key: readonly [number, number]): PhiloxBlock {
  checkArgument('philox', 'counter', counter, wordsOf(4));
  checkArgument('philox', 'key', key, wordsOf(2));
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** Words may come as signed numbers too, as JavaScript's own operators give them. */
const word = integer(-(2 ** 31), 2 ** 32 - 1);

function wordsOf(count: number): Rule<readonly number[]> {
  return rule(
    `a list of ${count} words of 32 bits`,
    (value) => Array.isArray(value) && value.length === count && value.every((item) => word.accepts(item)),
  );
}

/** A uniform number in the open interval (0, 1): the top 24 bits with the last one set, over 2^24. */
export function openUniform(bits: number): number {
  return ((bits >>> 8) | 1) / 2 ** 24;
}

const seedNumber = integer(0);

/** A whole number below 2^53, or any 64-bit bigint. */
export const anySeed: Rule<number | bigint> = rule(
  'an integer from 0 to 2^53 - 1, or a BigInt below 2^64',
  (value) => (typeof value === 'bigint' ? value >= 0n && value >> 64n === 0n : seedNumber.accepts(value)),
);

/** The two words of a seed, which {@link anySeed} has accepted. */
export function seedWords(seed: number | bigint): [number, number] {
  const wide = BigInt(seed);
  return [Number(wide & 0xffffffffn), Number(wide >> 32n)];
}

function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  // Each sum stays below 2^32, so the doubles are exact and >>> loses nothing.
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + (middle >>> 16) + (other >>> 16)) | 0;
}
