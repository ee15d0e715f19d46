import { oneOf, onlyFields, type Rule, text } from '../arguments.js';
import { writeWhole } from '../data/files/output-file.js';
import { toFloat32 } from '../data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../data/formats/safetensors.js';
import { FileFormatError, OptionError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { nodeModule } from '../node-module.js';
import { type Arrays, restoreModel } from './training-state.js';

/** Which validation is the best one. */
export interface BestOptions {
  /** Name of a number that `validate` gives. */
  readonly metric: string;
  readonly better: 'higher' | 'lower';
}

export const bestRule: Rule<BestOptions> = onlyFields<BestOptions>({
  metric: text,
  better: oneOf('higher', 'lower'),
});

/** Where the best weights of a run come from. */
export interface BestPlace {
  readonly step: number;
  readonly value: number;
}

/**
 * The best weights of a run so far, in a file. What the file says of itself counts, not what the state of the run says: the
 * file may be of a later step, which a run that goes on does again.
 */
export class BestWeights {
  #place: BestPlace | undefined;

  /** @param run what tells the run from others */
  private constructor(
    readonly path: string,
    readonly options: BestOptions,
    readonly run: string,
  ) {}

  /** @param resumed whether the run goes on: a new one has no best weights yet. @throws FileFormatError */
  static async open(path: string, options: BestOptions, run: string, resumed: boolean): Promise<BestWeights> {
    const best = new BestWeights(path, options, run);
    if (resumed) best.#place = (await best.#read())?.place;
    return best;
  }

  /** Undefined before the first validation with a number. */
  get place(): BestPlace | undefined {
    return this.#place;
  }

  /** Keeps the weights of a model where a validation is the best so far. @returns whether it is @throws OptionError */
  async offer(model: Module, step: number, metrics: Readonly<Record<string, number>>): Promise<boolean> {
    const { metric, better } = this.options;
    const value = metrics[metric];
    if (value === undefined) {
      const names = Object.keys(metrics).join(', ') || 'none';
      throw new OptionError(
        `train: validate must give ${metric}, by which the best weights are known, not ${names}`,
      );
    }
    if (!Number.isFinite(value)) return false;
    const sign = better === 'higher' ? 1 : -1;
    if (this.#place && sign * (value - this.#place.value) <= 0) return false;
    const place = { step, value };
    const metadata = { best: JSON.stringify({ ...place, metric, better }), run: this.run };
    await writeWhole(this.path, encodeSafetensors(await model.state(), metadata));
    this.#place = place;
    return true;
  }

  /** Gives a model the best weights; nothing where there are none. @throws FileAccessError, FileFormatError */
  async restore(model: Module): Promise<void> {
    if (!this.#place) return;
    const found = await this.#read();
    if (found?.place.step !== this.#place.step) {
      throw new FileFormatError(
        `${this.path} does not hold the weights of step ${this.#place.step} any more`,
      );
    }
    restoreModel(model, found.arrays, this.path);
  }

  /** The file, where it is there and of this run. */
  async #read(): Promise<{ readonly place: BestPlace; readonly arrays: Arrays } | undefined> {
    const { stat } = await nodeModule('node:fs/promises');
    const exists = await stat(this.path).then(
      () => true,
      () => false,
    );
    if (!exists) return undefined;
    const file = await openSafetensors(this.path);
    try {
      const { best, run } = file.metadata;
      const { step, value, metric, better } = JSON.parse(best ?? '{}') as BestPlace & Partial<BestOptions>;
      const { options } = this;
      if (run !== this.run || metric !== options.metric || better !== options.better) return undefined;
      const arrays: Record<string, Arrays[string]> = {};
      for (const [name, { shape }] of file.tensors) {
        arrays[name] = { dtype: 'f32', shape, data: toFloat32(await file.read(name)) };
      }
      return { place: { step, value }, arrays };
    } finally {
      await file.close();
    }
  }
}
