import { checkArguments, integer, listOf, someOf } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { fill } from '../../../ops/array/fill.js';
import { gather, take } from '../../../ops/array/gather.js';
import { min } from '../../../ops/array/reduce.js';
import { scatter } from '../../../ops/array/scatter.js';
import { Owner } from '../../../tensor/owner.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';

export interface MaskBankSizes {
  /** N: examples of the training. */
  readonly examples: number;
  /** L: classes of the example that has the most. */
  readonly slots: number;
  /** C: classes, without the background. */
  readonly classes: number;
  /** T */
  readonly steps: number;
  /** B: examples of a step. */
  readonly batch: number;
}

/**
 * The masks of all training examples from their last visit, on the device. An example keeps the masks of its own classes only,
 * so that 10,000 videos of 200 classes take megabytes. `prepare` says which examples a step has; all else may be captured.
 */
export class MaskBank extends Owner {
  /** What a run saves and restores (`TrainingTask.memory`): masks f32 (N, L, T), and 1 for the examples visited, f32 (N). */
  readonly memory: { readonly masks: Tensor; readonly visited: Tensor };
  /** u32 (B): the examples of the step. */
  readonly #rows: Tensor;
  /** u32 (B): the same, N where an example stands in the step before: it is written once, so that no order decides. */
  readonly #written: Tensor;
  /** u32 (B, L): the classes of each example, C where it has fewer. */
  readonly #slots: Tensor;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly sizes: MaskBankSizes,
  ) {
    const { examples, slots, classes, steps, batch } = sizes;
    const size = integer(1);
    checkArguments(
      'MaskBank',
      { runtime, examples, slots, classes, steps, batch },
      { runtime: anyRuntime, examples: size, slots: size, classes: size, steps: size, batch: size },
    );
    super(runtime);
    [this.memory, this.#rows, this.#written, this.#slots] = this.own(() => [
      { masks: runtime.zeros([examples, slots, steps]), visited: runtime.zeros([examples]) },
      runtime.zeros([batch], 'u32'),
      runtime.zeros([batch], 'u32'),
      runtime.zeros([batch, slots], 'u32'),
    ]);
  }

  /**
   * Says which examples the next step has.
   * @param labels the classes of each example of the step
   * @throws OptionError
   */
  prepare(examples: readonly number[], labels: readonly (readonly number[])[]): void {
    const { examples: count, slots, classes, batch } = this.sizes;
    checkArguments(
      'MaskBank.prepare',
      { examples, labels },
      { examples: someOf(integer(0, count - 1)), labels: someOf(listOf(integer(0, classes - 1))) },
    );
    this.checkAlive();
    if (examples.length !== batch || labels.length !== batch || labels.some((own) => own.length > slots)) {
      throw new OptionError(
        `MaskBank.prepare: examples and labels must be ${batch}, each with at most ${slots} labels, ` +
          `not ${examples.length} and ${labels.length} with up to ${Math.max(0, ...labels.map((own) => own.length))}`,
      );
    }
    this.#rows.write(Uint32Array.from(examples));
    this.#written.write(Uint32Array.from(examples, (one, i) => (examples.indexOf(one) < i ? count : one)));
    const ofSlots = new Uint32Array(batch * slots).fill(classes);
    labels.forEach((own, i) => {
      own.forEach((label, slot) => {
        ofSlots[i * slots + slot] = label;
      });
    });
    this.#slots.write(ofSlots);
  }

  /** Whether all examples have been visited, 1 or 0: f32 (1). */
  full(): Tensor {
    this.checkAlive();
    return this.runtime.scope(() => min(this.memory.visited).reshape([1]));
  }

  /** The masks of the step's examples from their last visits, (B, C, T). */
  read(): Tensor {
    this.checkAlive();
    const { batch, slots, classes, steps } = this.sizes;
    const { runtime } = this;
    return runtime.scope(() => {
      const updates = take({ x: this.memory.masks, ids: this.#rows }, { axis: 0 });
      const ids = this.#slots.reshape([batch, slots, 1]);
      return scatter({ x: fill(runtime, [batch, classes, steps], 0), ids, updates }, { axis: 1 });
    });
  }

  /** Keeps the masks (B, C, T) of the step's examples. */
  write(masks: Tensor): void {
    this.checkAlive();
    const { batch, slots } = this.sizes;
    const { runtime, memory } = this;
    runtime.withTape(undefined, () =>
      runtime.scope(() => {
        const updates = gather({ x: masks, ids: this.#slots.reshape([batch, slots, 1]) }, { axis: 1 });
        const ids = this.#written.reshape([batch, 1, 1]);
        memory.masks.assign(scatter({ x: memory.masks, ids, updates }, { axis: 0 }));
        const visits = { x: memory.visited, ids: this.#written, updates: fill(runtime, [batch], 1) };
        memory.visited.assign(scatter(visits, { axis: 0 }));
      }),
    );
  }
}
