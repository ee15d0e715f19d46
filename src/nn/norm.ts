import { checkFields, flag, optional, type Rules } from '../arguments.js';
import { OptionError, ShapeError } from '../errors.js';
import { add, mul } from '../ops/array/binary.js';
import { checkOperands } from '../ops/call.js';
import { batchNorm } from '../ops/norm/batch-norm.js';
import { channelMoments } from '../ops/norm/channel-moments.js';
import { groupNorm } from '../ops/norm/group-norm.js';
import { layerNorm, rmsNorm } from '../ops/norm/layer-norm.js';
import { type NormOptions, normRules } from '../ops/norm/norm.js';
import type { Runtime } from '../tensor/runtime.js';
import { checkTensor, type Tensor } from '../tensor/tensor.js';
import { constantInitial } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Module, type Parameter } from './module.js';

/** Scale and shift (B, C) of a stylization, applied after the affine part; see `stylize`. */
export interface Style {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

export interface NormLayerOptions extends NormOptions {
  /** With `weight` and `bias`; default true. */
  readonly affine?: boolean;
}

const normLayerRules: Rules<NormLayerOptions> = { ...normRules, affine: optional(flag) };

/** @throws OptionError, ReleasedError */
function checkStyle(where: string, style: Style | undefined): void {
  if (style !== undefined) checkOperands(where, style, { scale: 'required', shift: 'required' });
}

/** What the layers share: `weight` and `bias` (channels) under PyTorch's names, and the options of their norm. */
export abstract class AffineNorm extends Module {
  readonly #weight: Parameter | undefined;
  readonly #bias: Parameter | undefined;
  readonly options: NormOptions;

  constructor(
    where: string,
    runtime: Runtime,
    readonly channels: number,
    options: NormLayerOptions,
    { bias = true }: { readonly bias?: boolean } = {},
  ) {
    checkLayer(where, runtime, { channels });
    checkFields(where, options, bias ? normLayerRules : normRules);
    super(runtime);
    const { affine = true, ...others } = options;
    this.options = others;
    this.#weight = affine ? this.parameter('weight', [channels], constantInitial(1)) : undefined;
    this.#bias = affine && bias ? this.parameter('bias', [channels], constantInitial(0)) : undefined;
  }

  protected operands(x: Tensor) {
    this.checkAlive();
    return { x, weight: this.#weight?.tensor, bias: this.#bias?.tensor };
  }
}

/** LayerNorm over the last axis. */
export class LayerNorm extends AffineNorm {
  constructor(runtime: Runtime, channels: number, options: NormLayerOptions = {}) {
    super('LayerNorm', runtime, channels, options);
  }

  /** (B, …, channels) to the same shape. */
  forward(x: Tensor, style?: Style): Tensor {
    checkStyle('layerNorm', style);
    return layerNorm({ ...this.operands(x), ...style }, this.options);
  }
}

/** RMSNorm over the last axis, with `weight` only. */
export class RmsNorm extends AffineNorm {
  constructor(runtime: Runtime, channels: number, options: NormOptions = {}) {
    super('RmsNorm', runtime, channels, options, { bias: false });
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
    options: NormLayerOptions = {},
  ) {
    checkLayer('GroupNorm', runtime, { groups });
    super('GroupNorm', runtime, channels, options);
    if (channels % groups !== 0) {
      throw new OptionError(`GroupNorm: groups must divide the ${channels} channels, not ${groups}`);
    }
  }

  /** (B, channels, …) to the same shape. */
  forward(x: Tensor, style?: Style): Tensor {
    checkStyle('groupNorm', style);
    return groupNorm({ ...this.operands(x), ...style }, { ...this.options, groups: this.groups });
  }
}

/** How fast the running statistics follow those of the batches (PyTorch's momentum). */
const momentum = 0.1;

/**
 * BatchNorm: by the statistics of the batch in training, which `running_mean` and `running_var` (channels) follow, and
 * by those in inference.
 */
export abstract class BatchNorm extends AffineNorm {
  readonly #mean;
  readonly #variance;

  constructor(
    readonly name: string,
    /** Ranks of the tensors that it takes. */
    readonly ranks: readonly number[],
    runtime: Runtime,
    channels: number,
    options: NormLayerOptions,
  ) {
    super(name, runtime, channels, options);
    this.#mean = this.statistic('running_mean', [channels], constantInitial(0));
    this.#variance = this.statistic('running_var', [channels], constantInitial(1));
    this.unused('num_batches_tracked');
  }

  /** (B, channels, …) to the same shape. @throws ShapeError */
  forward(x: Tensor): Tensor {
    checkTensor('batchNorm', 'x', x);
    if (!this.ranks.includes(x.rank)) {
      throw new ShapeError(`${this.name}: x must have ${this.ranks.join(' or ')} axes, not ${x}`);
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
  constructor(runtime: Runtime, channels: number, options: NormLayerOptions = {}) {
    super('BatchNorm1d', [2, 3], runtime, channels, options);
  }
}

/** BatchNorm of (B, channels, H, W). */
export class BatchNorm2d extends BatchNorm {
  constructor(runtime: Runtime, channels: number, options: NormLayerOptions = {}) {
    super('BatchNorm2d', [4], runtime, channels, options);
  }
}
