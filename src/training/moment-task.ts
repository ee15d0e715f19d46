import { HostRandom } from '../data/host-random.js';
import { videoShape } from '../models/map-diffusion/clip-encoder.js';
import { type MomentExamples, writeExamples } from '../models/map-diffusion/examples.js';
import type { Corruption, MapDiffusion, MomentInputs, MomentTargets } from '../models/map-diffusion/model.js';
import { mapRows } from '../ops/map-layout.js';
import { seedWords } from '../ops/philox.js';
import { Random } from '../ops/random.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TrainingTask } from './train.js';

/**
 * Training of a moment model: each step takes a batch of queries, each with a time of its own, uniform in [0, T), and
 * fresh noise (paper, section 3.4). Times and noise are functions of the seed and the step.
 */
export class MomentTask implements TrainingTask {
  readonly examples: number;
  readonly #inputs: MomentInputs;
  readonly #targets: MomentTargets;
  readonly #t: Tensor;
  readonly #noise: Random;

  constructor(
    readonly model: MapDiffusion,
    readonly data: MomentExamples,
    readonly batch: number,
    readonly seed: number,
  ) {
    const { runtime, config } = model;
    this.examples = data.size;
    this.#noise = runtime.detached(() => new Random(runtime, seed));
    const { inputs, targets, t } = runtime.detached(() => ({
      inputs: {
        video: runtime.zeros(videoShape(config.clips, config.layout.clips, batch)),
        lengths: runtime.tensor(new Uint32Array(batch), undefined, 'u32'),
        words: {
          vectors: runtime.zeros([batch, data.words, config.words.size]),
          mask: runtime.tensor(new Uint32Array(batch * data.words), [batch, data.words], 'u32'),
          counts: runtime.tensor(new Uint32Array(batch), undefined, 'u32'),
        },
      },
      targets: {
        spans: runtime.zeros([batch, data.spans, 2]),
        spanCounts: runtime.tensor(new Uint32Array(batch), undefined, 'u32'),
      },
      t: runtime.tensor(new Uint32Array(batch), undefined, 'u32'),
    }));
    this.#inputs = inputs;
    this.#targets = targets;
    this.#t = t;
  }

  prepare(step: number, examples: readonly number[]): void {
    writeExamples(
      this.model.config,
      examples.map((index) => this.data.example(index)),
      this.#inputs,
      this.#targets,
    );
    const random = new HostRandom(this.seed, step + 2 ** 20);
    this.#t.write(
      Uint32Array.from({ length: this.batch }, () => random.integer(0, this.model.diffusion.times - 1)),
    );
    // Far apart in the stream: a step draws less than 2^32 blocks.
    this.#noise.state.write(Uint32Array.of(...seedWords(this.seed), 0, step));
  }

  loss(): Tensor {
    return this.model.loss(this.#inputs, this.#targets, this.#corruption());
  }

  #corruption(): Corruption | undefined {
    const { config } = this.model;
    if (config.head === 'single-pass') return undefined;
    const { layout } = config;
    return { noise: this.#noise.normal([this.batch, mapRows(layout), layout.durations]), t: this.#t };
  }

  dispose(): void {
    const { video, lengths, words } = this.#inputs;
    const { spans, spanCounts } = this.#targets;
    for (const tensor of [
      video,
      lengths,
      words.vectors,
      words.mask,
      words.counts,
      spans,
      spanCounts,
      this.#t,
    ]) {
      tensor.dispose();
    }
    this.#noise.dispose();
  }
}
