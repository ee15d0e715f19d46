import {
  anything,
  checkArgument,
  checkArguments,
  integer,
  number,
  numberIn,
  someOf,
  uint32,
} from '../arguments.js';

// Made once: random numbers are drawn by the million.
const anyInteger = integer();
const share = numberIn(0, 1);
const choicesRule = someOf(anything);

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
   * @param seed an integer from 0 to 2^32 - 1
   * @param stream tells apart what is drawn for different purposes from the same seed
   * @throws OptionError
   */
  constructor(seed: number, stream = 0) {
    checkArguments('HostRandom', { seed, stream }, { seed: uint32, stream: integer(0) });
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

  /** In [low, high). @throws OptionError */
  uniform(low = 0, high = 1): number {
    checkArgument('HostRandom.uniform', 'low', low, number);
    checkArgument('HostRandom.uniform', 'high', high, number);
    return this.#uniform(low, high);
  }

  #uniform(low: number, high: number): number {
    return low + (this.#next() / 2 ** 32) * (high - low);
  }

  /** An integer in [low, high], both included. @throws OptionError */
  integer(low: number, high: number): number {
    checkArgument('HostRandom.integer', 'low', low, anyInteger);
    checkArgument('HostRandom.integer', 'high', high, anyInteger);
    if (high < low) checkArgument('HostRandom.integer', 'high', high, integer(low));
    return this.#integer(low, high);
  }

  #integer(low: number, high: number): number {
    return Math.floor(this.#uniform(low, high + 1));
  }

  /** True with the given probability. @throws OptionError */
  chance(probability: number): boolean {
    checkArgument('HostRandom.chance', 'probability', probability, share);
    return this.#uniform(0, 1) < probability;
  }

  /** One of the choices, each as likely as the others. @throws OptionError where there is none */
  choose<T>(choices: readonly [T, ...T[]]): T;
  choose<T>(choices: readonly T[]): T;
  choose<T>(choices: readonly T[]): T {
    checkArgument('HostRandom.choose', 'choices', choices, choicesRule);
    return choices[this.#integer(0, choices.length - 1)]!;
  }

  /** Mean 0, variance 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#uniform(0, 1))) * Math.cos(2 * Math.PI * this.#uniform(0, 1));
  }

  /** The numbers 0 to count - 1 in random order (Fisher and Yates). @throws OptionError */
  permutation(count: number): Uint32Array<ArrayBuffer> {
    checkArgument('HostRandom.permutation', 'count', count, uint32);
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.#integer(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}
