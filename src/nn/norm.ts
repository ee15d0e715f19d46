import { ShapeError } from '../errors.js';
import { batchNorm } from '../ops/batch-norm.js';
import { groupNorm } from '../ops/group-norm.js';
import { layerNorm, rmsNorm } from '../ops/layer-norm.js';
import type { NormOptions } from '../ops/norm.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
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
    this.#weight = weight ? this.parameter('weight', [channels]) : undefined;
    this.#bias = bias ? this.parameter('bias', [channels]) : undefined;
  }

  protected operands(x: Tensor) {
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

/** BatchNorm for inference, with `running_mean` and `running_var` (channels) of training. */
abstract class BatchNorm extends AffineNorm {
  /** Ranks of the tensors that it takes. */
  protected abstract readonly ranks: readonly number[];
  readonly #mean;
  readonly #variance;

  constructor(runtime: Runtime, channels: number, { affine = true, ...options }: NormLayerOptions = {}) {
    super(runtime, channels, { weight: affine, bias: affine }, options);
    this.#mean = this.parameter('running_mean', [channels]);
    this.#variance = this.parameter('running_var', [channels]);
    this.unused('num_batches_tracked');
  }

  /** (B, channels, …) to the same shape. @throws ShapeError */
  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.rank)) {
      throw new ShapeError(`${this.constructor.name} takes ${this.ranks.join(' or ')} axes, not ${x}`);
    }
    const statistics = { mean: this.#mean.tensor, variance: this.#variance.tensor };
    return batchNorm({ ...this.operands(x), ...statistics }, this.options);
  }
}

/** BatchNorm of (B, channels) or (B, channels, T). */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
}

/** BatchNorm of (B, channels, H, W). */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
}
