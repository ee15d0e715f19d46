import { HostRandom } from '../../data/host-random.js';
import { loadItems } from '../../datasets/sampling/load-items.js';
import { Owner } from '../../tensor/owner.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type BatchSampler, shuffledBatches } from '../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask } from '../../training/training-task.js';
import type { AdaptiveInteraction } from './cg-detr/config.js';
import { type CgDetrObjective, cgDetrLosses } from './cg-detr/objective.js';
import type { GroundingExample, GroundingExamples } from './examples.js';
import type { GroundingNetwork } from './grounding-network.js';
import { type CodeRestartOptions, CodeRestarts } from './masra/code-restarts.js';
import { OperandBatch } from './operand-batch.js';
import { TargetBatch } from './target-batch.js';

export interface GroundingTaskOptions {
  /** B: examples of a step. */
  readonly batch: number;
  readonly seed: number;
  readonly objective: CgDetrObjective;
  /** Of codes that are not used, for a model with a codebook; default: they are left as they are. */
  readonly restart?: CodeRestartOptions | undefined;
}

/** Training of a grounding network on texts about videos. What is drawn is a function of the seed and the step. */
export class GroundingTask extends Owner implements TrainingTask<readonly GroundingExample[]> {
  readonly sampler: BatchSampler;
  readonly #operands: OperandBatch;
  readonly #targets: TargetBatch;
  readonly #restarts: CodeRestarts | undefined;

  constructor(
    readonly model: GroundingNetwork,
    readonly examples: GroundingExamples,
    readonly options: GroundingTaskOptions,
  ) {
    super(model.runtime);
    const { batch } = options;
    this.#restarts = options.restart && this.takeOver(restartsOf(model, batch, options.restart));
    const { priors } = examples.options;
    if (priors) this.takeOver({ dispose: () => void priors.priors.close() });
    this.sampler = shuffledBatches(examples.asked.length, batch);
    this.#operands = this.takeOver(new OperandBatch(model, batch));
    this.#targets = this.takeOver(new TargetBatch(model.runtime, model.config, batch, priors?.channels));
  }

  /** Reads examples. @throws as `GroundingExamples.read`, with the id of the video */
  async load(index: number, examples: readonly number[]): Promise<readonly GroundingExample[]> {
    const { batch, seed } = this.options;
    const items = examples.map((example) => ({ id: this.examples.asked[example]!.video.id, example }));
    return loadItems(items, ({ example }, i) =>
      this.examples.read(example, new HostRandom(seed, 2 ** 24 + index * batch + i)),
    );
  }

  get memory(): Readonly<Record<string, Tensor>> {
    return this.#restarts?.memory ?? {};
  }

  /** Writes examples that `load` gave. */
  prepare({ index, loaded }: Pick<Batch<readonly GroundingExample[]>, 'index' | 'loaded'>): void {
    this.#restarts?.before(index, this.model.network.codes!);
    this.#operands.write(loaded);
    this.#targets.write(loaded);
  }

  loss(): LossParts {
    this.checkAlive();
    const { operands } = this.#operands;
    const { targets } = this.#targets;
    return this.runtime.scope(() => {
      const outputs = this.model.forwardForTraining(operands, targets.moments);
      this.#restarts?.count(outputs.retrieved!);
      return cgDetrLosses(outputs, operands.videoMask, targets, this.options.objective);
    });
  }
}

/** Of a model with a codebook. */
function restartsOf(
  { runtime, config: { network } }: GroundingNetwork,
  batch: number,
  options: CodeRestartOptions,
): CodeRestarts {
  const { codes, dummies } = network.interaction as AdaptiveInteraction;
  const sizes = { batch, count: codes!, retrieved: dummies, width: network.width };
  return new CodeRestarts(runtime, sizes, options);
}
