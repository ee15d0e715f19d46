import { ReleasedError } from '../errors.js';
import { Random } from '../ops/random/random.js';
import { Owner } from '../tensor/owner.js';

/** Random numbers that a module draws in training: like a weight, without anything on the device before it is filled. */
export class RandomStream extends Owner {
  #random: Random | undefined;

  /** The stream, where it stands. @throws ReleasedError before it has a seed */
  get random(): Random {
    this.checkAlive();
    if (this.#random) return this.#random;
    throw new ReleasedError('the module has no seed to draw from: call initialize or seedRandom');
  }

  /**
   * Begins a step, all numbers u32. The key of stream 0 is that of `new Random(runtime, seed)`. Steps are far apart: each
   * draws less than 2^32 blocks.
   */
  seek(seed: number, stream: number, step: number): void {
    this.checkAlive();
    this.#random ??= this.own(() => new Random(this.runtime, 0));
    this.#random.state.write(Uint32Array.of(seed, stream, 0, step));
  }
}
