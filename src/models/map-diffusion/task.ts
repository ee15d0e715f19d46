import {
  checkArgument,
  checkArguments,
  instanceOf,
  integer,
  objectWith,
  someOf,
  uint32,
} from '../../arguments.js';
import { HostRandom } from '../../data/host-random.js';
import { mapRows } from '../../ops/iou-map/map-layout.js';
import { seedWords } from '../../ops/random/philox.js';
import { Random } from '../../ops/random/random.js';
import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type BatchSampler, shuffledBatches } from '../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask } from '../../training/training-task.js';
import {
  exampleRule,
  examplesRule,
  type MomentExample,
  type MomentExamples,
  makeInputs,
  writeExamples,
} from './examples.js';
import { MapDiffusion } from './model.js';
import type { Corruption, MomentInputs, MomentTargets } from './operands.js';

/**
 * Training of a moment model: each step takes a batch of videos with their queries, each query with a time of its own, uniform in [0, T), and
 * fresh noise (paper, section 3.4). Times and noise are functions of the seed and the step.
 */
export class MomentTask extends Owner implements TrainingTask<readonly MomentExample[]> {
  readonly sampler: BatchSampler;
  readonly #inputs: MomentInputs;
  readonly #targets: MomentTargets;
  readonly #t: Tensor;
  readonly #noise: Random;

  /** @throws OptionError */
  constructor(
    readonly model: MapDiffusion,
    readonly data: MomentExamples,
    /** Videos a step. */
    readonly batch: number,
    readonly seed: number,
  ) {
    checkArguments(
      'MomentTask',
      { model, data, batch, seed },
      {
        model: instanceOf(MapDiffusion, 'a MapDiffusion'),
        data: examplesRule,
        batch: integer(1),
        seed: uint32,
      },
    );
    const { runtime, config } = model;
    super(runtime);
    this.sampler = shuffledBatches(data.size, batch);
    const { layout, recognition } = config;
    const queries = batch * data.queries;
    [this.#noise, this.#inputs, this.#t, this.#targets] = this.own(() => [
      new Random(runtime, seed),
      makeInputs(runtime, config, batch, data),
      runtime.zeros([queries], 'u32'),
      {
        spans: runtime.zeros([queries, data.spans, 2]),
        spanCounts: runtime.zeros([queries], 'u32'),
        classes: recognition && runtime.zeros([batch, layout.clips], 'u32'),
      },
    ]);
  }

  /** Makes the examples of a batch. @throws OptionError */
  async load(index: number, examples: readonly number[]): Promise<readonly MomentExample[]> {
    checkArguments(
      'MomentTask.load',
      { index, examples },
      { index: integer(0), examples: someOf(integer(0, this.data.size - 1)) },
    );
    const loaded: MomentExample[] = [];
    for (const [i, example] of examples.entries()) {
      loaded.push(
        await this.data.example(example, new HostRandom(this.seed, 2 ** 24 + index * this.batch + i)),
      );
    }
    return loaded;
  }

  /** Writes examples that `load` made. @throws OptionError */
  prepare(batch: Pick<Batch<readonly MomentExample[]>, 'index' | 'loaded'>): void {
    checkArgument(
      'MomentTask.prepare',
      'batch',
      batch,
      objectWith<typeof batch>({ index: integer(0), loaded: someOf(exampleRule) }),
    );
    const { index, loaded } = batch;
    this.checkAlive();
    writeExamples(this.model.config, loaded, this.#inputs, this.#targets);
    const random = new HostRandom(this.seed, index + 2 ** 20);
    this.#t.write(
      Uint32Array.from({ length: this.#t.size }, () => random.integer(0, this.model.diffusion.times - 1)),
    );
    // Far apart in the stream: a step draws less than 2^32 blocks.
    this.#noise.state.write(Uint32Array.of(...seedWords(this.seed), 0, index));
  }

  loss(): LossParts {
    this.checkAlive();
    return this.runtime.scope(() => this.model.loss(this.#inputs, this.#targets, this.#corruption()));
  }

  #corruption(): Corruption | undefined {
    const { config } = this.model;
    if (config.head === 'single-pass') return undefined;
    const { layout } = config;
    return { noise: this.#noise.normal([this.#t.size, mapRows(layout), layout.durations]), t: this.#t };
  }
}
