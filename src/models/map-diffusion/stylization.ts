import { OptionError } from '../../errors.js';
import { Conv2d } from '../../nn/conv.js';
import { constantInitial } from '../../nn/initial.js';
import { Linear } from '../../nn/linear.js';
import { Module } from '../../nn/module.js';
import { GroupNorm, LayerNorm, type Style } from '../../nn/norm.js';
import { add } from '../../ops/array/binary.js';
import { narrow } from '../../ops/array/slice.js';
import { silu } from '../../ops/array/unary.js';
import { timeEmbedding } from '../../ops/diffusion/time-embedding.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';

/** e_t: the sinusoidal embedding of the time through Linear, SiLU, Linear of four times its width (MotionDiffuse). */
export class TimeEmbedding extends Module {
  readonly #first: Linear;
  readonly #second: Linear;

  constructor(
    runtime: Runtime,
    readonly width: number,
  ) {
    super(runtime);
    this.#first = this.child('0', new Linear(runtime, width, 4 * width));
    this.#second = this.child('2', new Linear(runtime, 4 * width, 4 * width));
  }

  /** t (B) u32 to SiLU(e_t) (B, 4 · width): every stylization block begins with that SiLU. */
  forward(t: Tensor): Tensor {
    return this.runtime.scope(() => {
      const waves = timeEmbedding(t, { width: this.width });
      return silu(this.#second.forward(this.#first.forward(waves, { activation: 'silu' })));
    });
  }
}

/** λ_w and λ_b of each channel, projected from SiLU(e_t). */
class StyleProjection extends Module {
  readonly #linear: Linear;

  constructor(
    runtime: Runtime,
    time: number,
    readonly channels: number,
  ) {
    super(runtime);
    this.#linear = this.child('1', new Linear(runtime, time, 2 * channels));
  }

  forward(time: Tensor): Style {
    const both = this.#linear.forward(time);
    return { scale: narrow(both, 1, 0, this.channels), shift: narrow(both, 1, this.channels, this.channels) };
  }
}

/** The last layer of a block begins at zero, so that a new network is the one without stylization (MotionDiffuse). */
const silent = { initial: constantInitial(0) };

/**
 * The stylization block of maps, in a residual branch (eq. 6, in MotionDiffuse's form):
 * x + W SiLU(GroupNorm(x) · (1 + λ_w) + λ_b).
 */
export class MapStylization extends Module {
  readonly #projection: StyleProjection;
  readonly #norm: GroupNorm;
  readonly #out: Conv2d;

  /** @throws OptionError where the groups do not divide the channels */
  constructor(runtime: Runtime, channels: number, time: number, groups: number) {
    super(runtime);
    if (channels % groups !== 0) {
      throw new OptionError(`decoder.groups must divide the ${channels} channels of a map, not be ${groups}`);
    }
    this.#projection = this.child('emb_layers', new StyleProjection(runtime, time, channels));
    this.#norm = this.child('norm', new GroupNorm(runtime, groups, channels, { activation: 'silu' }));
    this.#out = this.child('out_layers', new Conv2d(runtime, channels, channels, 1, silent));
  }

  /** x (B, C, rows, A) and SiLU(e_t) (B, E) to the shape of x. */
  forward(x: Tensor, time: Tensor): Tensor {
    return this.runtime.scope(() =>
      add(x, this.#out.forward(this.#norm.forward(x, this.#projection.forward(time)))),
    );
  }
}

/** The stylization block of tokens, with LayerNorm; the caller adds the residual. */
export class TokenStylization extends Module {
  readonly #projection: StyleProjection;
  readonly #norm: LayerNorm;
  readonly #out: Linear;

  constructor(runtime: Runtime, channels: number, time: number) {
    super(runtime);
    this.#projection = this.child('emb_layers', new StyleProjection(runtime, time, channels));
    this.#norm = this.child('norm', new LayerNorm(runtime, channels, { activation: 'silu' }));
    this.#out = this.child('out_layers', new Linear(runtime, channels, channels, silent));
  }

  /** x (B, T, C) and SiLU(e_t) (B, E) to the shape of x. */
  forward(x: Tensor, time: Tensor): Tensor {
    return this.runtime.scope(() => this.#out.forward(this.#norm.forward(x, this.#projection.forward(time))));
  }
}
