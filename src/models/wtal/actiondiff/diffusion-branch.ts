import { checkFields } from '../../../arguments.js';
import { stopGradient } from '../../../autograd/value-and-grad.js';
import { ShapeError } from '../../../errors.js';
import { Module } from '../../../nn/module.js';
import { add, mul } from '../../../ops/array/binary.js';
import { transpose } from '../../../ops/array/permute.js';
import { narrow } from '../../../ops/array/slice.js';
import { Random } from '../../../ops/random/random.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { sameShape } from '../../../tensor/shape.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { LossParts } from '../../../training/training-task.js';
import type { BaseOutputs, WtalBase } from '../base.js';
import { type ActionDiffConfig, type SamplingConfig, samplingRules } from './config.js';
import { DiffActDecoder } from './diffact-decoder.js';
import { MaskDiffusion, type SampleOptions } from './mask-diffusion.js';
import type { DiffusionOperands } from './operands.js';

/** Beyond this squared difference of logarithms nothing is learnt (DiffAct). */
export const truncation = 16;

/** The part of a base that a diffusion branch works with. */
export type ClassifyingBase = Pick<WtalBase, 'classify'>;

/** What a training step of the diffusion gives. */
export interface DiffusionTraining {
  /** What the losses of the base are computed of: of each of these, and added. */
  readonly outputs: readonly BaseOutputs[];
  /** The losses of the diffusion, each times its weight. */
  readonly parts: LossParts;
}

/** What the base says after the diffusion. */
export interface Refined {
  /** (B, T, K) and (B, T): what proposals are made of. */
  readonly cas: Tensor;
  readonly attention: Tensor;
  /** (B, T, K): what the video scores come from. */
  readonly videoScoreCas: Tensor;
}

/**
 * The diffusion branch of ActionDiff (IEEE TMM 27, 2025) on any base: a decoder that finds masks of action in noise, under a
 * condition that the base gives. No equations of the paper are public: this is our realisation of its abstract and of the code
 * of a sibling (Pattern Recognition 160:111207), in two modes.
 */
export abstract class DiffusionBranch extends Module {
  readonly #diffusion: MaskDiffusion;
  protected readonly decoder: DiffActDecoder;

  constructor(
    runtime: Runtime,
    readonly config: ActionDiffConfig,
    /** Channels of the masks. */
    readonly maskChannels: number,
    condition: number,
  ) {
    super(runtime);
    this.decoder = this.child(
      'decoder',
      new DiffActDecoder(runtime, config.decoder, maskChannels, condition),
    );
    this.#diffusion = this.own(() => new MaskDiffusion(runtime, config.snrScale));
  }

  /** Times of the diffusion. */
  get times(): number {
    return this.#diffusion.times;
  }

  /** What a training step learns from; may be captured. @throws OptionError, ShapeError */
  abstract trainingLosses(
    base: ClassifyingBase,
    outputs: BaseOutputs,
    operands: DiffusionOperands,
  ): DiffusionTraining;

  /**
   * What the base says, refined by DDIM.
   * @param sampling replaces that of the configuration
   * @param random the noise; default: that of the seed, so that the same video gives the same result
   * @throws OptionError, ShapeError
   */
  denoise(
    base: ClassifyingBase,
    outputs: BaseOutputs,
    sampling: Partial<SamplingConfig> = {},
    random?: Random,
  ): Refined {
    const all = { ...this.config.sampling, ...sampling };
    checkFields('DiffusionBranch.denoise', all, samplingRules);
    this.checkOutputs('denoise', outputs);
    const { steps, eta, seed } = all;
    const { runtime } = this;
    return runtime.scope(() => {
      using own = random ? undefined : new Random(runtime, seed);
      return this.refine(base, outputs, { steps, eta, random: random ?? own! });
    });
  }

  protected abstract refine(base: ClassifyingBase, outputs: BaseOutputs, sampling: SampleOptions): Refined;

  /** @throws ShapeError */
  protected checkOutputs(where: string, { cas, attention, features }: BaseOutputs): void {
    const ofSnippets = cas.shape.slice(0, 2);
    const wanted = cas.rank === 3 && features.rank === 3 && sameShape(attention.shape, ofSnippets);
    if (wanted && sameShape(features.shape.slice(0, 2), ofSnippets)) return;
    throw new ShapeError(
      `DiffusionBranch.${where}: cas must be (B, T, K), attention (B, T) and features (B, T, width), ` +
        `not ${cas}, ${attention} and ${features}`,
    );
  }

  protected get diffusion(): MaskDiffusion {
    return this.#diffusion;
  }

  /** X (B, T, D) as training sees it: the shares of X, X ⊙ A and X ⊙ M that the step drew. @param mask (B, T) */
  protected gated(x: Tensor, attention: Tensor, mask: () => Tensor, gate: Tensor): Tensor {
    const { conditions, detached } = this.config;
    const seen = detached ? stopGradient(x) : x;
    if (conditions.every((kind) => kind === 'full')) return seen;
    const [batch, steps] = attention.shape as [number, number];
    const share = (column: number) => narrow(gate, 1, column, 1);
    const ofAction = mul(share(1), detached ? stopGradient(attention) : attention);
    const open = add(add(share(0), ofAction), mul(share(2), mask()));
    return mul(seen, open.reshape([batch, steps, 1]));
  }

  /** X (B, T, D) as inference sees it. */
  protected shown(x: Tensor, attention: Tensor): Tensor {
    return this.config.inference === 'full' ? x : mul(x, attention.reshape([...attention.shape, 1]));
  }
}

/** (B, X, Y) as (B, Y, X): time last for the decoder, first of the two for the base. */
export function turned(x: Tensor): Tensor {
  return transpose(x, 1, 2);
}
