import { valueAndGrad } from '../autograd/value-and-grad.js';
import { add, greater, mul } from '../ops/array/binary.js';
import { concat } from '../ops/array/concat.js';
import { fill } from '../ops/array/fill.js';
import { scaleShift } from '../ops/array/unary.js';
import { where } from '../ops/array/where.js';
import type { Capture } from '../tensor/capture.js';
import { Owner } from '../tensor/owner.js';
import type { Tensor } from '../tensor/tensor.js';
import { clipFactor } from './clip-factor.js';
import type { LearningRate } from './learning-rate.js';
import type { Optimizer } from './optimizers.js';
import { checkLossParts, type TrainingTask } from './training-task.js';

type Gradients = Readonly<Record<string, Tensor>>;

/** Weights that one optimizer changes in a turn. */
export interface UpdateGroup {
  /** Of the group in the options. */
  readonly name: string;
  readonly weights: Gradients;
  readonly optimizer: Optimizer;
  readonly learningRate: LearningRate;
}

export interface TurnOptions {
  /** Batches of an update. */
  readonly accumulate: number;
  /** The largest norm of the gradients of all groups together. */
  readonly maxNorm: number | undefined;
}

/**
 * A turn, captured: forward pass and gradients of a batch, and the update. Where an update has several batches, their mean
 * gradients are summed in tensors of the turn, and the update is a capture of its own.
 */
export class TurnRun extends Owner {
  #names: readonly string[] = [];
  #batch: Capture<Tensor> | undefined;
  #update: Capture<void> | undefined;
  readonly #weights: Gradients;
  readonly #sums: ReadonlyMap<string, Tensor>;
  /** A number that is none: with it an optimizer takes no step. */
  readonly #nothing: Tensor;

  private constructor(
    readonly name: string,
    readonly task: TrainingTask,
    readonly groups: readonly UpdateGroup[],
    readonly options: TurnOptions,
  ) {
    const { runtime } = task.model;
    super(runtime);
    this.#weights = Object.assign({}, ...groups.map(({ weights }) => weights));
    const { sums, nothing } = this.own(() => ({
      nothing: runtime.tensor([Number.NaN]),
      sums:
        options.accumulate === 1
          ? []
          : Object.entries(this.#weights).map(([name, { shape }]) => [name, runtime.zeros(shape)] as const),
    }));
    this.#sums = new Map(sums);
    this.#nothing = nothing;
  }

  /** @throws OptionError where the loss is none; what the loss throws */
  static async capture(
    name: string,
    task: TrainingTask,
    groups: readonly UpdateGroup[],
    options: TurnOptions,
  ): Promise<TurnRun> {
    const turn = new TurnRun(name, task, groups, options);
    try {
      await turn.#capture();
      return turn;
    } catch (error) {
      turn.dispose();
      throw error;
    }
  }

  /** Names of the parts of the loss. */
  get parts(): readonly string[] {
    return this.#names;
  }

  /** Records one batch; where it is the only one of the update, also the update. @returns the parts of its loss */
  runBatch(): Promise<ArrayLike<number>> {
    this.checkAlive();
    this.#batch!.run();
    const read = this.#batch!.outputs.read();
    // Whoever waits for it may be late.
    read.catch(() => {});
    return read as Promise<Float32Array>;
  }

  /** Records the update after the batches, where they do not hold it. */
  runUpdate(): void {
    this.checkAlive();
    this.#update?.run();
  }

  async #capture(): Promise<void> {
    const { runtime } = this;
    const { accumulate } = this.options;
    if (accumulate === 1) {
      this.#batch = this.takeOver(
        await runtime.capture(() => {
          const { parts, gradients } = this.#differentiate(1);
          this.#step(gradients);
          return parts;
        }),
      );
      return;
    }
    this.#batch = this.takeOver(
      await runtime.capture(() => {
        const { parts, gradients } = this.#differentiate(accumulate);
        for (const [name, sum] of this.#sums) sum.assign(add(sum, gradients[name]!));
        return parts;
      }),
    );
    this.#update = this.takeOver(
      await runtime.capture(() => {
        this.#step(Object.fromEntries(this.#sums));
        for (const sum of this.#sums.values()) sum.assign(fill(runtime, sum.shape, 0));
      }),
    );
  }

  /** The parts of the loss (P), and the gradients of its share in an update of `batches` batches. */
  #differentiate(batches: number): { readonly parts: Tensor; readonly gradients: Gradients } {
    const { runtime, task } = this;
    const { gradientScale = 1 } = task;
    let parts: Tensor | undefined;
    const { gradients } = valueAndGrad(this.#weights, () => {
      const loss = task.loss(this.name);
      checkLossParts(this.name, loss);
      this.#names = Object.keys(loss);
      const values = Object.values(loss);
      // Outlives the function, which returns the sum.
      parts = runtime.withTape(undefined, () =>
        runtime.detached(() =>
          runtime.scope(() =>
            concat(
              values.map((value) => value.reshape([1])),
              0,
            ),
          ),
        ),
      );
      return scaled(values.map((value) => value.reshape([])).reduce(add), gradientScale);
    });
    const entries = Object.entries(gradients).map(([name, gradient]) => [
      name,
      scaled(gradient, 1 / (gradientScale * batches)),
    ]);
    return { parts: parts!, gradients: Object.fromEntries(entries) };
  }

  #step(gradients: Gradients): void {
    // One optimizer clips by itself.
    const clipped = this.groups.length === 1 ? gradients : this.#clipTogether(gradients);
    for (const { optimizer, weights } of this.groups) {
      optimizer.update(Object.fromEntries(Object.keys(weights).map((name) => [name, clipped[name]!])));
    }
  }

  /** Gradients of several groups, clipped by their common norm; all no numbers where one is. */
  #clipTogether(gradients: Gradients): Gradients {
    const { maxNorm = Number.POSITIVE_INFINITY } = this.options;
    const weights = new Map(Object.entries(this.#weights));
    const factor = clipFactor('train', this.runtime, weights, gradients, maxNorm);
    const all = where(greater(factor, 0), factor, this.#nothing);
    return Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => [name, mul(gradient, all)]),
    );
  }
}

function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : scaleShift(x, factor, 0);
}
