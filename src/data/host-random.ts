import { OptionError } from '../errors.js';

/** Mixes 32 bits so that neighbouring words give unrelated ones: the finalizer of MurmurHash3. */
export function mixBits(word: number): number {
  let bits = word | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/**
 * Random numbers on the host that one integer decides, the same on every machine: xoshiro128** (Blackman and Vigna,
 * 2018).
 */
export class HostRandom {
  readonly #state: Int32Array;

  /**
   * @param seed a whole number from 0 to 2^32 - 1
   * @param stream tells apart what is drawn for different purposes from the same seed
   * @throws OptionError where the seed is none
   */
  constructor(seed: number, stream = 0) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new OptionError(`a seed is a whole number from 0 to 2^32 - 1, not ${seed}`);
    }
    const start = mixBits(seed ^ mixBits(stream + 1));
    this.#state = Int32Array.from({ length: 4 }, (_, i) => mixBits(start + Math.imul(i + 1, 0x9e3779b9)));
  }

  /** 32 random bits. */
  #next(): number {
    const s = this.#state;
    const times5 = Math.imul(s[1]!, 5);
    const bits = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return bits;
  }

  /** In [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (this.#next() / 2 ** 32) * (high - low);
  }

  /** A whole number in [low, high], both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.uniform(low, high + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform(0, 1) < probability;
  }

  /** One of the choices, each as likely as the others. */
  choose<T>(choices: readonly [T, ...T[]]): T;
  choose<T>(choices: readonly T[]): T;
  choose<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }
  /** Mean 0, variance 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The numbers 0 to count - 1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array<ArrayBuffer> {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
