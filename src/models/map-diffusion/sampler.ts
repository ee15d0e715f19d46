import type { DdimOptions, DdimSampler } from '../../diffusion/gaussian.js';
import type { Capture } from '../../tensor/capture.js';
import type { Tensor } from '../../tensor/tensor.js';
import { videoShape } from './clip-encoder.js';
import type { Condition, MapDiffusion, MomentInputs } from './model.js';

export interface MomentSamplerOptions extends DdimOptions {
  /** Q: queries at a time. */
  readonly queries: number;
  /** V: videos at a time. Without it each query has a video of its own. */
  readonly videos?: number;
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
    const { queries, videos, words, ...ddim } = options;
    const { runtime, config } = model;
    const { inputs, encoding } = await makeInputs(model, queries, videos, words);
    try {
      if (config.head === 'single-pass') return new MomentSampler(model, inputs, encoding, undefined);
      const condition = encoding.outputs as Condition;
      const sampler = await model.diffusion.sampler(
        condition.mask.shape,
        (state, t) => model.denoise(state, t, condition),
        { clamp: [0, 1], ...ddim },
      );
      return new MomentSampler(model, inputs, encoding, sampler);
    } catch (error) {
      encoding.dispose();
      for (const tensor of tensorsOf(inputs)) tensor.dispose();
      throw error;
    } finally {
      await runtime.flush();
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
    for (const tensor of tensorsOf(this.inputs)) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Operands of that size, and the captured work that comes before the steps. */
async function makeInputs(model: MapDiffusion, queries: number, videos: number | undefined, words: number) {
  const { runtime, config } = model;
  const inputs = runtime.detached(
    (): MomentInputs => ({
      video: runtime.zeros(videoShape(config.clips, config.layout.clips, videos ?? queries)),
      lengths: runtime.tensor(new Uint32Array(videos ?? queries).fill(config.layout.clips), undefined, 'u32'),
      words: {
        vectors: runtime.zeros([queries, words, config.words.size]),
        mask: runtime.tensor(new Uint32Array(queries * words).fill(1), [queries, words], 'u32'),
        counts: runtime.tensor(new Uint32Array(queries).fill(words), undefined, 'u32'),
      },
      videoOf: videos === undefined ? undefined : runtime.tensor(new Uint32Array(queries), undefined, 'u32'),
    }),
  );
  try {
    const encoding = await runtime.capture((): Condition | Tensor => {
      const condition = model.encode(inputs);
      return config.head === 'single-pass' ? model.predict(condition) : model.prepare(condition);
    });
    return { inputs, encoding };
  } catch (error) {
    for (const tensor of tensorsOf(inputs)) tensor.dispose();
    throw error;
  }
}

function tensorsOf({ video, lengths, words, videoOf }: MomentInputs): Tensor[] {
  return [video, lengths, ...Object.values<Tensor>({ ...words }), ...(videoOf ? [videoOf] : [])];
}
