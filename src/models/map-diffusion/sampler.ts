import { type Abortable, abortRules } from '../../abort.js';
import { callback, checkArgument, checkFields, instanceOf, integer, optional } from '../../arguments.js';
import { type DdimOptions, type DdimSampler, ddimRules } from '../../diffusion/gaussian.js';
import type { Capture } from '../../tensor/capture.js';
import { given } from '../../tensor/given.js';
import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import { anyTensor } from '../../tensor/tensor.js';
import { makeInputs } from './examples.js';
import { MapDiffusion } from './model.js';
import type { Condition, MomentInputs } from './operands.js';

/** The signal ends the capturing, not the runs. */
export interface MomentSamplerOptions extends DdimOptions, Abortable {
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
export class MomentSampler extends Owner {
  /** The operands of the next run: `write` to them. */
  readonly inputs: MomentInputs;
  #encoding!: Capture<Condition | Tensor>;
  #ddim: DdimSampler | undefined;

  private constructor(
    readonly model: MapDiffusion,
    { videos, queries = 1, words }: MomentSamplerOptions,
  ) {
    super(model.runtime);
    this.inputs = this.own(() => makeInputs(model.runtime, model.config, videos, { queries, words }));
  }

  /** @throws OptionError, ShapeError */
  static async create(model: MapDiffusion, options: MomentSamplerOptions): Promise<MomentSampler> {
    checkArgument('MomentSampler', 'model', model, instanceOf(MapDiffusion, 'a MapDiffusion'));
    checkFields<MomentSamplerOptions>('MomentSampler', options, {
      ...ddimRules(model.diffusion.times),
      videos: integer(1),
      queries: optional(integer(1)),
      words: integer(1),
      ...abortRules,
    });
    const sampler = new MomentSampler(model, options);
    try {
      await sampler.#capture(options);
      return sampler;
    } catch (error) {
      sampler.dispose();
      throw error;
    }
  }

  async #capture({ videos: _, queries: _queries, words: _words, ...ddim }: MomentSamplerOptions) {
    const { model, inputs } = this;
    const single = model.config.head === 'single-pass';
    this.#encoding = this.takeOver(
      await model.runtime.capture(
        (): Condition | Tensor => {
          const condition = model.encode(inputs);
          return single ? model.predict(condition) : model.prepare(condition);
        },
        given({ signal: ddim.signal }),
      ),
    );
    if (single) return;
    const condition = this.#encoding.outputs as Condition;
    this.#ddim = this.takeOver(
      await model.diffusion.sampler(condition.mask.shape, (state, t) => model.denoise(state, t, condition), {
        clamp: [0, 1],
        ...ddim,
      }),
    );
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
    checkArgument('MomentSampler.run', 'noise', noise, anyTensor);
    checkFields<typeof options>('MomentSampler.run', options, { afterStep: optional(callback) });
    this.checkAlive();
    this.#encoding.run();
    return this.#ddim ? this.#ddim.run(noise, options) : (this.#encoding.outputs as Tensor);
  }
}
