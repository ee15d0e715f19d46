import {
  callback,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  numberIn,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
  uint32,
} from '../../../arguments.js';
import { type LastLayer, lastLayerRule } from '../../../diffusion/token-logits.js';
import { OptionError } from '../../../errors.js';
import { argmax } from '../../../ops/array/argmax.js';
import { add, div, equal, greater, less, maximum, minimum, mul, sub } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { embedding, gather, take } from '../../../ops/array/gather.js';
import { max, mean, sum } from '../../../ops/array/reduce.js';
import { scatter } from '../../../ops/array/scatter.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { exp, relu, scaleShift, sqrt, square } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import { linear, matmul } from '../../../ops/matmul/matmul.js';
import type { Random } from '../../../ops/random/random.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import { TimeTokens } from '../time-tokens.js';

/** The choices of the step-level IoU reward. The paper's abstract leaves them open: all values are ours. */
export interface IouRewardOptions {
  /** K': denoising steps that are rewarded, from the planned answer on. Default 2: a pair of times is full then. */
  readonly steps?: number;
  /** κ: the reward of step k counts in proportion to (k / K')^κ. Default 1. */
  readonly lateness?: number;
  /** A start after its end: `zero` (default) overlaps nothing, `sorted` counts as the two exchanged. */
  readonly reversed?: 'zero' | 'sorted';
  /**
   * Draws instead of the expected overlap: the reward of each draw, less the mean of its span's and over their
   * deviation, multiplies the logarithm of its probability (a policy gradient relative to the group).
   */
  readonly policy?: {
    /** Draws of a span; default 8. */
    readonly samples?: number;
    /** Of the Gumbel numbers. */
    readonly random: Pick<Random, 'gumbel'>;
  };
}

/** Where the answers' spans are, and what they should be: S of each of R answers. */
export interface AnswerSpans {
  /** u32 (R, S, 2): positions of start and end in the answer; beyond it for an unused slot. */
  readonly positions: Tensor;
  /** f32 (R, S, 2): the true start and end in time tokens, between two where they fall so. */
  readonly truths: Tensor;
  /** f32 (R, S): what each counts; 0 for an unused slot. */
  readonly weights: Tensor;
}

/** Numbers of the time slots of R answers: of each its distribution over the n times. */
interface Slots {
  /** f32 (R, 2 S, n): logarithms of the probabilities that the model gives. */
  readonly logProbabilities: Tensor;
  /** u32 (R, 2 S): the tokens that stand there. */
  readonly current: Tensor;
  /** u32 (R, 2 S): whether that is the mask. */
  readonly masked: Tensor;
}

export const rewardRules: Rules<IouRewardOptions> = {
  steps: optional(integer(1)),
  lateness: optional(numberIn(0)),
  reversed: optional(oneOf('zero', 'sorted')),
  policy: optional(
    onlyFields<NonNullable<IouRewardOptions['policy']>>({
      samples: optional(integer(2)),
      random: objectWith<Pick<Random, 'gumbel'>>({ gumbel: callback }, 'a Random'),
    }),
  ),
};

const spansRule: Rule<AnswerSpans> = objectWith<AnswerSpans>({
  positions: anyTensor,
  truths: anyTensor,
  weights: anyTensor,
});

/** Keeps equal rewards from being blown up. */
const leastDeviation = 1e-4;

/**
 * The step-level IoU reward of MDVLM-TAL: it denoises an answer for some steps and rewards in each how far the predicted
 * spans overlap the true ones. A masked time slot has the model's probabilities among the time tokens, a slot with a
 * token that token; of a pair p_s, p_e the expected overlap is R = p_sᵀ G p_e with G_ij the overlap of [i, j] and the
 * true span. Between steps the most certain slots get their most probable time, through which no gradient flows.
 */
export class IouReward extends Owner {
  readonly #options: Required<Omit<IouRewardOptions, 'policy'>>;
  readonly #policy: { readonly samples: number; readonly random: Pick<Random, 'gumbel'> } | undefined;
  readonly #ids: Tensor;
  readonly #indices: Tensor;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    times: TimeTokens,
    readonly maskId: number,
    options: IouRewardOptions = {},
  ) {
    checkArguments(
      'IouReward',
      { runtime, times, maskId },
      { runtime: anyRuntime, times: instanceOf(TimeTokens, 'a TimeTokens'), maskId: uint32 },
    );
    checkFields('IouReward', options, rewardRules);
    const { steps = 2, lateness = 1, reversed = 'zero', policy } = options;
    super(runtime);
    const samples = policy?.samples ?? 8;
    // Unused slots read as 0.
    if (maskId === 0) throw new OptionError('IouReward: maskId must not be 0');
    this.#options = { steps, lateness, reversed };
    this.#policy = policy && { samples, random: policy.random };
    const indices = Uint32Array.from({ length: times.count }, (_, i) => i);
    const ids = indices.map((i) => times.id(i));
    [this.#ids, this.#indices] = this.own(() => [
      runtime.tensor(ids, undefined, 'u32'),
      runtime.tensor(indices),
    ]);
  }

  /**
   * The loss, one element: minus the weighted rewards.
   * @param answers u32 (R, N), masked as the plan says
   * @param first what the model makes of `answers`
   * @param predict what it makes of others of the same shape; called once for each further step
   * @throws ShapeError, DtypeError
   */
  loss(
    answers: Tensor,
    first: LastLayer,
    spans: AnswerSpans,
    predict: (answers: Tensor) => LastLayer,
  ): Tensor {
    checkArguments(
      'IouReward.loss',
      { answers, first, spans, predict },
      { answers: anyTensor, first: lastLayerRule, spans: spansRule, predict: callback },
    );
    this.checkAlive();
    const { steps, lateness } = this.#options;
    const shares = Array.from({ length: steps }, (_, k) => ((k + 1) / steps) ** lateness);
    const total = shares.reduce((a, b) => a + b);
    return answers.runtime.scope(() => {
      const overlaps = this.#overlaps(spans.truths);
      let tokens = answers;
      const rewards = shares.map((share, k) => {
        const slots = this.#slots(k === 0 ? first : predict(tokens), tokens, spans);
        if (k + 1 < steps) tokens = this.#commit(tokens, slots, spans, steps - k);
        const reward = this.#policy ? this.#advantages(slots, overlaps) : this.#expected(slots, overlaps);
        return scaleShift(sum(mul(reward, spans.weights.reshape([-1]))), -share / total, 0);
      });
      return rewards.reduce(add);
    });
  }

  /** G (R S, n, n) for the true spans (R, S, 2): rows are starts, columns ends. */
  #overlaps(truths: Tensor): Tensor {
    return truths.runtime.scope(() => {
      const n = this.#indices.size;
      const [starts, ends] = pair(truths.reshape([-1, 2, 1]));
      const [rows, columns] = [this.#indices.reshape([1, n, 1]), this.#indices.reshape([1, 1, n])];
      const sorted = this.#options.reversed === 'sorted';
      const low = sorted ? minimum(rows, columns) : rows;
      const high = sorted ? maximum(rows, columns) : columns;
      const common = relu(sub(minimum(high, ends), maximum(low, starts)));
      const union = sub(add(sub(high, low), sub(ends, starts)), common);
      // Where it is not above 0 there is nothing in common either.
      return div(common, maximum(union, 1e-6));
    });
  }

  #slots({ hidden, weight }: LastLayer, tokens: Tensor, { positions }: AnswerSpans): Slots {
    return tokens.runtime.scope(() => {
      const answers = tokens.shape[0]!;
      const current = gather({ x: tokens, ids: positions.reshape([answers, -1]) }, { axis: 1 });
      const states = gather({ x: hidden, ids: positions.reshape([answers, -1, 1]) }, { axis: 1 });
      const matrix = embedding({ table: weight, ids: this.#ids });
      const logits = linear({ input: states, weight: matrix }, { outDtype: 'f32' });
      return { logProbabilities: logSoftmax(logits), current, masked: equal(current, this.maskId) };
    });
  }

  /** The expected overlap of each span, (R S). */
  #expected({ logProbabilities, current, masked }: Slots, overlaps: Tensor): Tensor {
    const [answers, slots, n] = logProbabilities.shape as [number, number, number];
    const given = cast(equal(current.reshape([answers, slots, 1]), this.#ids), 'f32');
    const p = where(masked.reshape([answers, slots, 1]), exp(logProbabilities), given);
    const [starts, ends] = pair(p.reshape([-1, 2, n]));
    return sum(mul(matmul({ a: starts, b: overlaps }), ends), { axes: [1, 2] });
  }

  /** Of each span, (R S), the mean over draws of advantage times log-probability. */
  #advantages({ logProbabilities, current, masked }: Slots, overlaps: Tensor): Tensor {
    const { samples, random } = this.#policy!;
    const { runtime } = overlaps;
    const [answers, slots, n] = logProbabilities.shape as [number, number, number];
    const open = masked.reshape([answers, slots, 1]);
    const [drawn, advantage] = runtime.withTape(undefined, () => {
      const noisy = add(
        logProbabilities.reshape([answers, slots, 1, n]),
        random.gumbel([answers, slots, samples, n]),
      );
      const given = sub(current, narrow(this.#ids, 0, 0, 1)).reshape([answers, slots, 1]);
      const drawn = where(open, argmax(noisy), given);
      const [starts, ends] = pair(drawn.reshape([-1, 2, samples]));
      const cells = add(mul(starts, n), ends).reshape([-1, samples]);
      const reward = gather({ x: overlaps.reshape([-1, n * n]), ids: cells }, { axis: 1 });
      const rest = sub(reward, mean(reward, { axes: [1], keepDims: true }));
      const deviation = sqrt(mean(square(rest), { axes: [1], keepDims: true }));
      return [drawn, div(rest, scaleShift(deviation, 1, leastDeviation))];
    });
    const chosen = mul(gather({ x: logProbabilities, ids: drawn }, { axis: 2 }), cast(open, 'f32'));
    const ofPairs = sum(chosen.reshape([-1, 2, samples]), { axes: [1] });
    return mean(mul(advantage, ofPairs), { axes: [1] });
  }

  /**
   * The answers (R, N) with the most certain masked slots filled: as many as fill all in `stepsLeft` equal steps.
   * Equally certain ones go together.
   */
  #commit(
    tokens: Tensor,
    { logProbabilities, current, masked }: Slots,
    { positions }: AnswerSpans,
    stepsLeft: number,
  ): Tensor {
    const { runtime } = tokens;
    const [answers, slots] = current.shape as [number, number];
    return runtime.withTape(undefined, () =>
      runtime.scope(() => {
        const certainty = max(logProbabilities, { axes: [-1] });
        const open = cast(masked, 'f32');
        const surer = greater(certainty.reshape([answers, 1, slots]), certainty.reshape([answers, slots, 1]));
        const rank = sum(mul(surer, open.reshape([answers, 1, slots])), { axes: [-1] });
        const waiting = sum(open, { axes: [-1], keepDims: true });
        const chosen = mul(open, less(scaleShift(rank, stepsLeft, 0), waiting));
        const best = take({ x: this.#ids, ids: argmax(logProbabilities) }, { axis: 0 });
        const updates = where(chosen, best, current);
        return scatter({ x: tokens, ids: positions.reshape([answers, slots]), updates }, { axis: 1 });
      }),
    );
  }
}

/** The two halves of the second axis, of which each keeps its place. */
function pair(x: Tensor): [Tensor, Tensor] {
  return [narrow(x, 1, 0, 1), narrow(x, 1, 1, 1)];
}
