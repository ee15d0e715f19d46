import type { DdimOptions, DdimSampler } from '../../diffusion/gaussian.js';
import type { Capture } from '../../tensor/capture.js';
import type { Tensor } from '../../tensor/tensor.js';
import { disposeInputs, makeInputs } from './examples.js';
import type { Condition, MapDiffusion, MomentInputs } from './model.js';

export interface MomentSamplerOptions extends DdimOptions {
  /** V: videos at a time. */
  readonly videos: number;
  /** Queries about each video; default 1. */
  readonly queries?: number;
  /** L: words of the longest query. */
  readonly words: number;
}

/**
 * A trained model made ready for batches of one size: the encoder and the step-invariant part of the decoders are
 * captured as one piece of work that runs once a batch, a denoising step as another that runs for each step.
 */
export class MomentSampler {
  readonly #encoding: Capture<Condition | Tensor>;
  readonly #ddim: DdimSampler | undefined;

  private constructor(
    readonly model: MapDiffusion,
    /** The operands of the next run: `write` to them. */
    readonly inputs: MomentInputs,
    encoding: Capture<Condition | Tensor>,
    ddim: DdimSampler | undefined,
  ) {
    this.#encoding = encoding;
    this.#ddim = ddim;
  }

  /** @throws OptionError, ShapeError */
  static async create(model: MapDiffusion, options: MomentSamplerOptions): Promise<MomentSampler> {
    const { videos, queries = 1, words, ...ddim } = options;
    const { runtime, config } = model;
    const inputs = makeInputs(runtime, config, videos, { queries, words });
    let encoding: Capture<Condition | Tensor> | undefined;
    try {
      encoding = await runtime.capture((): Condition | Tensor => {
        const condition = model.encode(inputs);
        return config.head === 'single-pass' ? model.predict(condition) : model.prepare(condition);
      });
      if (config.head === 'single-pass') return new MomentSampler(model, inputs, encoding, undefined);
      const condition = encoding.outputs as Condition;
      const sampler = await model.diffusion.sampler(
        condition.mask.shape,
        (state, t) => model.denoise(state, t, condition),
        { clamp: [0, 1], ...ddim },
      );
      return new MomentSampler(model, inputs, encoding, sampler);
    } catch (error) {
      encoding?.dispose();
      disposeInputs(inputs);
      throw error;
    }
  }

  /** (Q, R, A): the shape of noise and maps. */
  get mapShape(): readonly number[] {
    const { outputs } = this.#encoding;
    return 'mask' in outputs ? outputs.mask.shape : outputs.shape;
  }

  /**
   * The maps of the queries and videos in `inputs`.
   * @param noise standard normal (Q, R, A); left as it is. A model with a single pass does not look at it
   * @param options.afterStep see `DdimSampler.run`
   * @returns (Q, R, A), the sampler's own tensor, which the next run overwrites
   */
  run(noise: Tensor, options: { readonly afterStep?: (step: number, state: Tensor) => void } = {}): Tensor {
    this.#encoding.run();
    return this.#ddim ? this.#ddim.run(noise, options) : (this.#encoding.outputs as Tensor);
  }

  dispose(): void {
    this.#ddim?.dispose();
    this.#encoding.dispose();
    disposeInputs(this.inputs);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
