import { ShapeError } from '../errors.js';
import { batchNorm } from '../ops/batch-norm.js';
import { add, mul } from '../ops/binary.js';
import { channelMoments } from '../ops/channel-moments.js';
import { groupNorm } from '../ops/group-norm.js';
import { layerNorm, rmsNorm } from '../ops/layer-norm.js';
import type { NormOptions } from '../ops/norm.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { constantInitial } from './initial.js';
import { Module, type Parameter } from './module.js';

/** Scale and shift (B, C) of a stylization, applied after the affine part; see `stylize`. */
export interface Style {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/** What the layers share: `weight` and `bias` (channels) under PyTorch's names, and the options of their norm. */
abstract class AffineNorm extends Module {
  readonly #weight: Parameter | undefined;
  readonly #bias: Parameter | undefined;

  constructor(
    runtime: Runtime,
    readonly channels: number,
    { weight, bias }: { weight: boolean; bias: boolean },
    readonly options: NormOptions,
  ) {
    super(runtime);
    this.#weight = weight ? this.parameter('weight', [channels], constantInitial(1)) : undefined;
    this.#bias = bias ? this.parameter('bias', [channels], constantInitial(0)) : undefined;
  }

  protected operands(x: Tensor) {
    this.checkAlive();
    return { x, weight: this.#weight?.tensor, bias: this.#bias?.tensor };
  }
}

export interface NormLayerOptions extends NormOptions {
  /** With `weight` and `bias`; default true. */
  readonly affine?: boolean;
}

/** LayerNorm over the last axis. */
export class LayerNorm extends AffineNorm {
  constructor(runtime: Runtime, channels: number, { affine = true, ...options }: NormLayerOptions = {}) {
    super(runtime, channels, { weight: affine, bias: affine }, options);
  }

  /** (B, …, channels) to the same shape. */
  forward(x: Tensor, style?: Style): Tensor {
    return layerNorm({ ...this.operands(x), ...style }, this.options);
  }
}

/** RMSNorm over the last axis, with `weight` only. */
export class RmsNorm extends AffineNorm {
  constructor(runtime: Runtime, channels: number, options: NormOptions = {}) {
    super(runtime, channels, { weight: true, bias: false }, options);
  }

  /** (B, …, channels) to the same shape. */
  forward(x: Tensor): Tensor {
    return rmsNorm(this.operands(x), this.options);
  }
}

/** GroupNorm of channels in `groups`. */
export class GroupNorm extends AffineNorm {
  constructor(
    runtime: Runtime,
    readonly groups: number,
    channels: number,
    { affine = true, ...options }: NormLayerOptions = {},
  ) {
    super(runtime, channels, { weight: affine, bias: affine }, options);
  }

  /** (B, channels, …) to the same shape. */
  forward(x: Tensor, style?: Style): Tensor {
    return groupNorm({ ...this.operands(x), ...style }, { ...this.options, groups: this.groups });
  }
}

/** How fast the running statistics follow those of the batches (PyTorch's momentum). */
const momentum = 0.1;

/**
 * BatchNorm: by the statistics of the batch in training, which `running_mean` and `running_var` (channels) follow, and
 * by those in inference.
 */
abstract class BatchNorm extends AffineNorm {
  /** Ranks of the tensors that it takes. */
  protected abstract readonly ranks: readonly number[];
  readonly #mean;
  readonly #variance;

  constructor(runtime: Runtime, channels: number, { affine = true, ...options }: NormLayerOptions = {}) {
    super(runtime, channels, { weight: affine, bias: affine }, options);
    this.#mean = this.statistic('running_mean', [channels], constantInitial(0));
    this.#variance = this.statistic('running_var', [channels], constantInitial(1));
    this.unused('num_batches_tracked');
  }

  /** (B, channels, …) to the same shape. @throws ShapeError */
  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.rank)) {
      throw new ShapeError(`${this.constructor.name} takes ${this.ranks.join(' or ')} axes, not ${x}`);
    }
    const running = { mean: this.#mean.tensor, variance: this.#variance.tensor };
    if (!this.training) return batchNorm({ ...this.operands(x), ...running }, this.options);
    return this.runtime.scope(() => {
      const batch = channelMoments(x);
      const count = x.size / this.channels;
      this.runtime.withTape(undefined, () => {
        follow(running.mean, batch.mean);
        // The running variance is the unbiased one.
        follow(running.variance, batch.variance, count / Math.max(1, count - 1));
      });
      return batchNorm({ ...this.operands(x), ...batch }, this.options);
    });
  }
}

/** running ← (1 − momentum) running + momentum · factor · value, in place. */
function follow(running: Tensor, value: Tensor, factor = 1): void {
  running.assign(add(mul(running, 1 - momentum), mul(value, momentum * factor)));
}

/** BatchNorm of (B, channels) or (B, channels, T). */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
}

/** BatchNorm of (B, channels, H, W). */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
}
