import type { TrainingTask } from './training-task.js';

/** Reads the data of batches by a task's `load`, the next while the device works. Holds two batches at most. */
export class ReadAhead {
  readonly #batches = new Map<number, Promise<unknown>>();

  constructor(
    readonly task: TrainingTask,
    readonly seed: number,
  ) {}

  /** What `load` gives for a batch. */
  of(index: number): Promise<unknown> {
    const found = this.#batches.get(index) ?? this.#start(index);
    for (const other of this.#batches.keys()) if (other !== index) this.#batches.delete(other);
    return found;
  }

  /** Begins to read a batch, unless it is there. */
  begin(index: number): void {
    if (!this.#batches.has(index)) this.#start(index);
  }

  /** Waits for what was begun, so that the files it reads may be closed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#batches.values());
  }

  #start(index: number): Promise<unknown> {
    const { task, seed } = this;
    const read = (async () => task.load?.(index, task.sampler(index, seed)))();
    // Whoever waits for it may be late.
    read.catch(() => {});
    this.#batches.set(index, read);
    return read;
  }
}
