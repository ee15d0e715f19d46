import { checkArgument, checkArguments, instanceOf, integer, objectWith, someOf } from '../../arguments.js';
import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type BatchSampler, classPairBatches, shuffledBatches } from '../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask } from '../../training/training-task.js';
import type { SignalAugmentation } from '../common/signal-augmentation.js';
import { type Bag, type BagValues, readBag } from './bags.js';
import { type Objective, objectiveLoss } from './objective.js';
import { samplesOf, sourceChannels } from './snippets.js';
import { WtalNetwork } from './wtal-network.js';

export interface WtalTaskOptions {
  /** B: bags of a step. */
  readonly batch: number;
  readonly seed: number;
  readonly steps: number;
  readonly objective: Objective;
  /** How signals are changed; default: they are not. */
  readonly augment?: SignalAugmentation | undefined;
}

/** Training of a weakly supervised network on bags: nothing but the classes of each bag is known. */
export class WtalTask extends Owner implements TrainingTask<readonly BagValues[]> {
  readonly sampler: BatchSampler;
  /** As `Snippets.forward` takes them. */
  readonly #bags: Tensor;
  /** f32 (B, C): 1 for the classes of a bag. */
  readonly #labels: Tensor;
  /** f32 (1): which share of the training is done. */
  readonly #progress: Tensor;

  /** @throws OptionError where pairs are asked for and no two bags share a class */
  constructor(
    readonly model: WtalNetwork,
    readonly bags: readonly Bag[],
    readonly options: WtalTaskOptions,
  ) {
    checkArguments('WtalTask', { model }, { model: instanceOf(WtalNetwork, 'a WtalNetwork') });
    super(model.runtime);
    const { batch, objective } = options;
    const pairs = objective.coActivity?.pairs ?? 0;
    this.sampler =
      pairs > 0
        ? classPairBatches(
            bags.map(({ labels }) => labels),
            { pairs, others: batch - 2 * pairs },
          )
        : shuffledBatches(bags.length, batch);
    const { runtime, config, base } = model;
    const channels = sourceChannels(config.snippets);
    const shape =
      config.snippets.kind === 'signal'
        ? [batch, channels, config.steps * samplesOf(config.snippets)]
        : [batch, config.steps, channels];
    [this.#bags, this.#labels, this.#progress] = this.own(() => [
      runtime.zeros(shape),
      runtime.zeros([batch, base.classes - 1]),
      runtime.zeros([1]),
    ]);
  }

  /** Reads bags. @throws as `readBag` */
  async load(index: number, examples: readonly number[]): Promise<readonly BagValues[]> {
    checkArguments(
      'WtalTask.load',
      { index, examples },
      { index: integer(0), examples: someOf(integer(0, this.bags.length - 1)) },
    );
    const { config } = this.model;
    return Promise.all(
      examples.map((example, item) =>
        readBag(config.snippets, config.steps, this.bags[example]!.video, {
          seed: this.options.seed,
          step: index,
          item,
          augment: this.options.augment,
        }),
      ),
    );
  }

  /** Writes bags that `load` gave. */
  prepare(batch: Pick<Batch<readonly BagValues[]>, 'index' | 'examples' | 'loaded'>): void {
    checkArgument(
      'WtalTask.prepare',
      'batch',
      batch,
      objectWith<Pick<Batch, 'index'>>({ index: integer(0) }) as never,
    );
    this.checkAlive();
    const { index, examples, loaded } = batch;
    const values = new Float32Array(this.#bags.size);
    const labels = new Float32Array(this.#labels.size);
    const classes = this.model.base.classes - 1;
    loaded.forEach((bag, i) => {
      values.set(bag.values, i * bag.values.length);
      for (const label of this.bags[examples[i]!]!.labels) labels[i * classes + label] = 1;
    });
    this.#bags.write(values);
    this.#labels.write(labels);
    this.#progress.write(Float32Array.of(index / this.options.steps));
  }

  loss(): LossParts {
    this.checkAlive();
    return this.runtime.scope(() =>
      objectiveLoss(
        this.model.forward(this.#bags),
        { labels: this.#labels, progress: this.#progress },
        this.options.objective,
      ),
    );
  }
}
