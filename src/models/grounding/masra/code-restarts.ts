import { integer, onlyFields, positive, type Rule } from '../../../arguments.js';
import { add, less, mul } from '../../../ops/array/binary.js';
import { fill } from '../../../ops/array/fill.js';
import { take } from '../../../ops/array/gather.js';
import { mean } from '../../../ops/array/reduce.js';
import { scatter } from '../../../ops/array/scatter.js';
import { scatterAdd } from '../../../ops/array/scatter-add.js';
import { topK } from '../../../ops/array/topk.js';
import { neg, scaleShift } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { RetrievedCodes } from './codebook.js';

/** When codes that are not used are given a new start (ours). */
export interface CodeRestartOptions {
  /** Batches from one restart to the next. */
  readonly every: number;
  /** Codes that are used less than this share of the mean are dead. */
  readonly below: number;
}

export const codeRestartRule: Rule<CodeRestartOptions> = onlyFields<CodeRestartOptions>({
  every: integer(1),
  below: positive,
});

/** Sizes of a codebook, and of the batches that use it. */
interface CodebookSizes {
  /** B. */
  readonly batch: number;
  /** K. */
  readonly count: number;
  /** D. */
  readonly retrieved: number;
  /** d. */
  readonly width: number;
}

/** Share of the use that is kept from one batch to the next. */
const decay = 0.99;

/**
 * Counts how often the codes of a codebook are retrieved, and moves those that are dead to contexts of the last batch: at each
 * restart at most one code to each context, those that are used least. Nothing is drawn at random, and all that is remembered is
 * in `memory`.
 */
export class CodeRestarts extends Owner {
  /** What a run saves and restores. */
  readonly memory: {
    /** (K): uses a batch, averaged over the last hundred or so. */
    readonly codeUse: Tensor;
    /** (B, d): contexts of the last batch. */
    readonly contexts: Tensor;
  };

  constructor(
    runtime: Runtime,
    { batch, count, retrieved, width }: CodebookSizes,
    readonly options: CodeRestartOptions,
  ) {
    super(runtime);
    this.memory = this.own(() => ({
      // At first all are used alike.
      codeUse: fill(runtime, [count], (batch * retrieved) / count),
      contexts: runtime.zeros([batch, width]),
    }));
  }

  /** Counts what a batch retrieved. */
  count({ context, ids }: Pick<RetrievedCodes, 'context' | 'ids'>): void {
    this.checkAlive();
    const { runtime } = this;
    const { codeUse, contexts } = this.memory;
    runtime.withTape(undefined, () =>
      runtime.scope(() => {
        const flat = ids.reshape([ids.size]);
        const ones = fill(runtime, [ids.size], 1);
        const counts = scatterAdd({ ids: flat, updates: ones }, { axis: 0, size: codeUse.size });
        codeUse.assign(add(mul(codeUse, decay), scaleShift(counts, 1 - decay, 0)));
        contexts.assign(context);
      }),
    );
  }

  /** Before the batch of a number is trained on: restarts the codes (K, d) where it is time. */
  before(index: number, codes: Tensor): void {
    this.checkAlive();
    if (index > 0 && index % this.options.every === 0) this.#restart(codes);
  }

  #restart(codes: Tensor): void {
    const { runtime } = this;
    const { codeUse, contexts } = this.memory;
    const count = Math.min(contexts.shape[0]!, codeUse.size);
    runtime.scope(() => {
      const { values, indices: ids } = topK(neg(codeUse), count);
      const average = mean(codeUse).reshape([1]);
      const dead = less(neg(values), scaleShift(average, this.options.below, 0));
      const moved = where(
        dead.reshape([count, 1]),
        contexts.rows(0, count),
        take({ x: codes, ids }, { axis: 0 }),
      );
      codes.assign(scatter({ x: codes, ids: ids.reshape([count, 1]), updates: moved }, { axis: 0 }));
      codeUse.assign(scatter({ x: codeUse, ids, updates: where(dead, average, neg(values)) }, { axis: 0 }));
    });
  }
}
