import { checkArgument, numberIn } from '../arguments.js';
import { greater } from '../ops/array/binary.js';
import { fill } from '../ops/array/fill.js';
import { scaleShift } from '../ops/array/unary.js';
import { where } from '../ops/array/where.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Shape } from '../tensor/shape.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { checkLayer } from './layer-rules.js';
import { Module } from './module.js';
import type { RandomStream } from './random-stream.js';

/** A probability of dropping. */
export const dropRate = numberIn(0, 1);

/** What both layers share: x / (1 − p) where the mask keeps it, 0 where it drops it; in inference x as it is. */
export abstract class Drop extends Module {
  readonly #stream: RandomStream | undefined;

  constructor(
    private readonly where: string,
    runtime: Runtime,
    /** Probability that the mask drops. */
    readonly p: number,
  ) {
    checkLayer(where, runtime, {});
    checkArgument(where, 'p', p, dropRate);
    super(runtime);
    this.#stream = p > 0 && p < 1 ? this.randomStream() : undefined;
  }

  /** Shape of the mask, which is broadcast to that of x. */
  protected abstract maskShape(x: Tensor): Shape;

  /**
   * Any shape, f32 or f16, to the same.
   * @throws ReleasedError in training before `seedRandom` or `initialize`
   */
  forward(x: Tensor): Tensor {
    this.checkAlive();
    checkArgument(this.where, 'x', x, anyTensor);
    const { runtime, p } = this;
    // A view, so that whoever frees x may free the result too.
    if (!this.training || p === 0) return x.reshape(x.shape);
    return runtime.scope(() => {
      if (p === 1) return where(fill(runtime, [1], 0, 'u32'), x, 0);
      const kept = greater(this.#stream!.random.uniform(this.maskShape(x)), p);
      return where(kept, scaleShift(x, 1 / (1 - p), 0), 0);
    });
  }
}

/**
 * Dropout (Srivastava et al., JMLR 15, 2014): training drops each element with probability p and divides the others by
 * 1 − p; inference changes nothing. The mask is a function of the seed that `initialize` or `seedRandom` gave, of the
 * step and of the draw (Philox), so that a captured step draws a new mask in each replay, and the same step the same mask.
 */
export class Dropout extends Drop {
  /** @param p probability of dropping, 0 to 1. @throws OptionError */
  constructor(runtime: Runtime, p: number) {
    super('Dropout', runtime, p);
  }

  protected maskShape(x: Tensor): Shape {
    return x.shape;
  }
}

/**
 * Stochastic depth (Huang et al., arXiv:1603.09382): as {@link Dropout}, but training drops whole samples, (B, …) along
 * the first axis. It stands on a residual branch.
 */
export class DropPath extends Drop {
  /** @param p probability of dropping, 0 to 1. @throws OptionError */
  constructor(runtime: Runtime, p: number) {
    super('DropPath', runtime, p);
  }

  protected maskShape(x: Tensor): Shape {
    return x.shape.map((size, axis) => (axis === 0 ? size : 1));
  }
}
