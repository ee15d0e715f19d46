import { checkArgument, checkArguments, instanceOf, integer, objectWith, someOf } from '../../arguments.js';
import { loadItems } from '../../datasets/sampling/load-items.js';
import { add } from '../../ops/array/binary.js';
import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type BatchSampler, classPairBatches, shuffledBatches } from '../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask, Turn } from '../../training/training-task.js';
import type { SignalAugmentation } from '../common/signal-augmentation.js';
import { DiffusionDraws } from './actiondiff/draws.js';
import { MaskBank } from './actiondiff/mask-bank.js';
import { type Bag, type BagValues, readBag } from './bags.js';
import type { GuidanceBatch } from './mllm4wtal/guidance-batch.js';
import { guidanceTurns } from './mllm4wtal/turns.js';
import { objectiveLoss, type WtalObjective } from './objective.js';
import { samplesOf, sourceChannels } from './snippets.js';
import { WtalTrainee } from './trainee.js';
import type { WtalNetwork } from './wtal-network.js';

export interface WtalTaskOptions {
  /** B: bags of a step. */
  readonly batch: number;
  readonly seed: number;
  readonly steps: number;
  readonly objective: WtalObjective;
  /** How signals are changed; default: they are not. */
  readonly augment?: SignalAugmentation | undefined;
}

/**
 * Training of a weakly supervised network on bags: nothing but the classes of each bag is known, and for MLLM4WTAL what its
 * priors say.
 */
export class WtalTask extends Owner implements TrainingTask<readonly BagValues[]> {
  readonly model: WtalTrainee;
  readonly sampler: BatchSampler;
  readonly turns: readonly Turn[];
  readonly memory: Readonly<Record<string, Tensor>>;
  /** As `Snippets.forward` takes them. */
  readonly #values: Tensor;
  /** f32 (B, C): 1 for the classes of a bag. */
  readonly #labels: Tensor;
  /** f32 (1): which share of the training is done. */
  readonly #progress: Tensor;
  readonly #draws: DiffusionDraws | undefined;
  readonly #bank: MaskBank | undefined;

  /**
   * @param guided the guidance of MLLM4WTAL in the trainee, with what it is told of each bag
   * @throws OptionError where the objective compares pairs and no two bags share a class
   */
  constructor(
    trainee: WtalTrainee,
    readonly bags: readonly Bag[],
    readonly options: WtalTaskOptions,
    readonly guided?: GuidanceBatch,
  ) {
    checkArguments('WtalTask', { trainee }, { trainee: instanceOf(WtalTrainee, 'a WtalTrainee') });
    super(trainee.runtime);
    this.model = trainee;
    const { batch, objective, seed } = options;
    const { runtime, network } = trainee;
    const { config, base, diffusion } = network;
    const labels = bags.map((bag) => bag.labels);
    const pairs = objective.coActivity?.pairs ?? 0;
    this.sampler =
      pairs > 0
        ? classPairBatches(labels, { pairs, others: batch - 2 * pairs })
        : shuffledBatches(bags.length, batch);
    this.turns = guidanceTurns(trainee.guidance?.config ?? {}, 'guidance');
    const classes = base.classes - 1;
    [this.#values, this.#labels, this.#progress, this.#draws, this.#bank] = this.own(() => [
      runtime.zeros(bagsShape(network, batch)),
      runtime.zeros([batch, classes]),
      runtime.zeros([1]),
      diffusion && new DiffusionDraws(diffusion, batch, config.steps, seed),
      diffusion?.config.mode === 'family'
        ? new MaskBank(runtime, {
            ...{ examples: bags.length, classes, steps: config.steps, batch },
            slots: Math.max(...labels.map(({ length }) => length)),
          })
        : undefined,
    ]);
    this.memory = { ...this.#bank?.memory };
  }

  /** Reads bags. @throws as `readBag`, with the name of the bag */
  async load(index: number, examples: readonly number[]): Promise<readonly BagValues[]> {
    checkArguments(
      'WtalTask.load',
      { index, examples },
      { index: integer(0), examples: someOf(integer(0, this.bags.length - 1)) },
    );
    const { snippets, steps } = this.model.network.config;
    const { seed, augment } = this.options;
    return loadItems(
      examples.map((example) => this.bags[example]!.video),
      (video, item) => readBag(snippets, steps, video, { seed, step: index, item, augment }),
    );
  }

  /** Writes bags that `load` gave. */
  prepare(batch: Pick<Batch<readonly BagValues[]>, 'index' | 'examples' | 'loaded'>): void {
    checkArgument('WtalTask.prepare', 'batch', batch, objectWith({ index: integer(0) }) as never);
    this.checkAlive();
    const { index, examples, loaded } = batch;
    const bags = examples.map((example) => this.bags[example]!);
    const values = new Float32Array(this.#values.size);
    const labels = new Float32Array(this.#labels.size);
    const classes = this.#labels.shape[1]!;
    loaded.forEach((bag, i) => {
      values.set(bag.values, i * bag.values.length);
      for (const label of bags[i]!.labels) labels[i * classes + label] = 1;
    });
    this.#values.write(values);
    this.#labels.write(labels);
    this.#progress.write(Float32Array.of(index / this.options.steps));
    this.#draws?.prepare(index);
    this.#bank?.prepare(
      examples,
      bags.map((bag) => bag.labels),
    );
    this.guided?.write(
      bags.map(({ video }) => video.id),
      this.options.seed,
      index,
    );
  }

  loss(turn: string): LossParts {
    this.checkAlive();
    return this.runtime.scope(() => {
      const { network, guidance } = this.model;
      const snippets = network.snippets.forward(this.#values);
      const told = this.guided && {
        ...this.guided.operands,
        labels: this.#labels,
        order: { ...this.guided.operands.order, progress: this.#progress },
      };
      if (guidance && told && turn === 'reconstruct') return guidance.reconstructLoss(snippets, told);
      if (guidance && told && turn === 'mask') return guidance.maskLoss(snippets, told);
      const outputs = network.base.forward(snippets);
      const diffused = this.#draws && {
        ...network.diffusion!.trainingLosses(network.base, outputs, {
          ...this.#draws.draw(),
          labels: this.#labels,
          bank: this.#bank,
        }),
      };
      const operands = { labels: this.#labels, progress: this.#progress };
      const parts = (diffused?.outputs ?? [outputs]).map((each) =>
        objectiveLoss(each, operands, this.options.objective),
      );
      return {
        ...parts.reduce(summed),
        ...prefixed('diffusion', diffused?.parts ?? {}),
        ...prefixed('guidance', (guidance && told && guidance.baseLoss(snippets, outputs, told)) ?? {}),
      };
    });
  }
}

/** Shape of the values of so many bags. */
function bagsShape({ config: { snippets, steps } }: WtalNetwork, batch: number): number[] {
  const channels = sourceChannels(snippets);
  return snippets.kind === 'signal'
    ? [batch, channels, steps * samplesOf(snippets)]
    : [batch, steps, channels];
}

/** Losses of the same names, part by part. */
function summed(a: LossParts, b: LossParts): LossParts {
  return Object.fromEntries(Object.entries(a).map(([name, part]) => [name, add(part, b[name]!)]));
}

function prefixed(prefix: string, parts: LossParts): LossParts {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [`${prefix}.${name}`, part]));
}
