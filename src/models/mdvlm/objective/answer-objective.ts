import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  flag,
  instanceOf,
  integer,
  listOf,
  numberIn,
  objectWith,
  oneOf,
  onlyFields,
  optional,
  pairOf,
  type Rule,
  type Rules,
  uint32,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import type { LastLayer } from '../../../diffusion/token-logits.js';
import { mul } from '../../../ops/array/binary.js';
import { narrow } from '../../../ops/array/slice.js';
import { seedWords } from '../../../ops/random/philox.js';
import { Random } from '../../../ops/random/random.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type AnswerOrder, answerOrders } from '../mdvlm.js';
import { TimeTokens } from '../time-tokens.js';
import { type AnswerSpans, IouReward, type IouRewardOptions, rewardRules } from './iou-reward.js';
import {
  type AnswerLayout,
  checkedPlan,
  complementOf,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  layoutRule,
  type MaskWeighting,
  maskWeights,
  type PlanOptions,
  planOptionsRule,
} from './masking.js';
import { type Objective, objectives, rewardWeight, weightedCrossEntropy } from './objective.js';

export interface AnswerObjectiveOptions {
  /** Questions a batch. */
  readonly batch: number;
  readonly seed: number;
  /** Batches of the run, for the warm-up of the reward. */
  readonly steps: number;
  /** Default `+iou`, all of it. An autoregressive model has the cross-entropy of the next token, whatever this is. */
  readonly objective?: Objective;
  /** Uniform masks come with their complement in a second copy (LaViDa). Default false. */
  readonly complementary?: boolean;
  readonly plan?: PlanOptions;
  /** λ_p: what the planned loss counts beside the sequence-level one; default 1 (ours). */
  readonly planWeight?: number;
  readonly reward?: Omit<IouRewardOptions, 'policy'> & {
    /** λ_r: what the reward counts in the end; default 0.5 (ours). */
    readonly weight?: number;
    /** Share of the steps over which it rises to that; default 0.1 (ours). */
    readonly warmup?: number;
    /** Draws of a span for the policy gradient; the expected overlap where absent. */
    readonly samples?: number;
  };
}

/** The model whose answers are learned. */
export interface AnsweringModel {
  readonly order: AnswerOrder;
  readonly maskId: number;
  readonly times: TimeTokens;
}

/** What answers may have at most. */
export interface AnswerLimits {
  /** N: tokens. */
  readonly maxLength: number;
  /** S: spans whose overlap is rewarded. */
  readonly maxSpans: number;
}

/** An answer to learn. */
export interface WantedAnswer {
  /** Its tokens, all of which are learned. */
  readonly ids: readonly number[];
  /** Of as many tokens; a time without a partner is a span of one position. */
  readonly layout: AnswerLayout;
  /** The spans that it names: the positions of their times, and these times in time tokens, the earlier one first. */
  readonly spans: readonly {
    readonly positions: readonly [start: number, end: number];
    readonly truth: readonly [start: number, end: number];
  }[];
}

const { policy: _, ...ownRewardRules } = rewardRules;

export const objectiveRules: Rules<AnswerObjectiveOptions> = {
  batch: integer(1),
  seed: uint32,
  steps: integer(1),
  objective: optional(oneOf(...objectives)),
  complementary: optional(flag),
  plan: optional(planOptionsRule),
  planWeight: optional(numberIn(0)),
  reward: optional(
    onlyFields<NonNullable<AnswerObjectiveOptions['reward']>>({
      ...ownRewardRules,
      weight: optional(numberIn(0)),
      warmup: optional(numberIn(0, 1)),
      samples: optional(integer(2)),
    }),
  ),
};

const modelRule = objectWith<AnsweringModel>({
  order: oneOf(...answerOrders),
  maskId: uint32,
  times: instanceOf(TimeTokens, 'a TimeTokens'),
});

const limitsRule = objectWith<AnswerLimits>({ maxLength: integer(1), maxSpans: integer(0) });

export const wantedRule: Rule<WantedAnswer> = objectWith<WantedAnswer>({
  ids: listOf(uint32),
  layout: layoutRule,
  spans: listOf(
    objectWith<WantedAnswer['spans'][number]>({
      positions: pairOf(integer(0)),
      truth: pairOf(numberIn(0)),
    }),
  ),
});

/** How a copy of the answers is masked, and what its tokens count. */
interface AnswerCopy {
  readonly mask: 'none' | 'uniform' | 'complement' | 'planned';
  readonly weighting: MaskWeighting;
  readonly factor: number;
}

/** Far from the streams of other draws of the same seed. */
const maskStream = 2 ** 21;

/** The target of a position after the end of an answer: an id that is in no vocabulary. */
const noTarget = 2 ** 32 - 1;

/**
 * The training objectives of MDVLM-TAL, for any model that puts answers after questions. Each answer of a batch comes in
 * one copy for each mask; masks are functions of the seed and the step. Each answer counts its tokens' losses over their
 * number (LLaDA-V), and each of its spans as much as the others.
 */
export class AnswerObjective extends Owner {
  readonly #plan: Required<PlanOptions>;
  readonly #copies: readonly AnswerCopy[];
  /** u32, u32 and f32 (copies · B, N). */
  readonly #answers: Tensor;
  readonly #targets: Tensor;
  readonly #weights: Tensor;
  readonly #reward: IouReward | undefined;
  readonly #spans: AnswerSpans;
  readonly #rewardWeight: Tensor;
  readonly #draws: Random;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly model: AnsweringModel,
    readonly limits: AnswerLimits,
    readonly options: AnswerObjectiveOptions,
  ) {
    checkArguments(
      'AnswerObjective',
      { runtime, model, limits },
      { runtime: anyRuntime, model: modelRule, limits: limitsRule },
    );
    checkFields('AnswerObjective', options, objectiveRules);
    super(runtime);
    const { order, maskId, times } = model;
    const { batch, objective = '+iou', complementary = false, planWeight = 1 } = options;
    this.#plan = checkedPlan(options.plan);
    this.#copies =
      order === 'autoregressive'
        ? [{ mask: 'none', weighting: 'complementary', factor: 1 }]
        : copiesFor(objective, complementary, planWeight);
    const tokens = [batch * this.#copies.length, limits.maxLength];
    // There is no tensor without elements.
    const slots = [batch, Math.max(1, limits.maxSpans)];
    const { samples, ...reward } = options.reward ?? {};
    const rewarded = objective === '+iou' && order !== 'autoregressive' && limits.maxSpans > 0;
    const made = this.own(() => {
      const random = new Random(runtime, options.seed);
      const policy = samples === undefined ? {} : { policy: { samples, random } };
      return {
        random,
        reward: rewarded ? new IouReward(runtime, times, maskId, { ...reward, ...policy }) : undefined,
        answers: runtime.zeros(tokens, 'u32'),
        targets: runtime.zeros(tokens, 'u32'),
        weights: runtime.zeros(tokens),
        rewardWeight: runtime.zeros([]),
        spans: {
          positions: runtime.zeros([...slots, 2], 'u32'),
          truths: runtime.zeros([...slots, 2]),
          weights: runtime.zeros(slots),
        },
      };
    });
    this.#draws = made.random;
    this.#reward = made.reward;
    this.#answers = made.answers;
    this.#targets = made.targets;
    this.#weights = made.weights;
    this.#rewardWeight = made.rewardWeight;
    this.#spans = made.spans;
  }

  /** Writes the operands of a step. @param answers one for each question of the batch @throws OptionError */
  prepare(step: number, answers: readonly WantedAnswer[]): void {
    checkArguments(
      'AnswerObjective.prepare',
      { step, answers },
      { step: integer(0), answers: listOf(wantedRule) },
    );
    this.checkAlive();
    const { batch, steps, seed, reward } = this.options;
    const { maxLength: length, maxSpans: spans } = this.limits;
    const random = new HostRandom(seed, step + maskStream);
    const drawn = answers.map((answer) => this.#draw(answer, random));
    const padded = (row: readonly number[], filler: number) =>
      row.concat(Array<number>(length - row.length).fill(filler));
    const rowsOf = (part: 'ids' | 'weights', filler: number) =>
      this.#copies.flatMap((_, copy) => drawn.flatMap((copies) => padded(copies[copy]![part], filler)));
    this.#answers.write(rowsOf('ids', this.model.maskId));
    this.#weights.write(rowsOf('weights', 0));
    const targets = answers.flatMap(({ ids }) => padded(ids, noTarget));
    this.#targets.write(this.#copies.flatMap(() => targets));
    if (spans > 0) {
      const slots = answers.map((answer) => Array.from({ length: spans }, (_, i) => answer.spans[i]));
      const flat = slots.flat();
      this.#spans.positions.write(flat.flatMap((span) => span?.positions ?? [length, length]));
      this.#spans.truths.write(flat.flatMap((span) => span?.truth ?? [0, 0]));
      this.#spans.weights.write(
        slots.flatMap((row, i) => row.map((span) => (span ? 1 / (batch * answers[i]!.spans.length) : 0))),
      );
    }
    const { weight = 0.5, warmup = 0.1 } = reward ?? {};
    this.#rewardWeight.write([rewardWeight(step, { full: weight, warmup, steps })]);
    // Far apart in the stream: a step draws less than 2^32 blocks.
    this.#draws.state.write(Uint32Array.of(...seedWords(seed), 0, step));
  }

  /**
   * The parts of the loss of the operands, one element each: the cross-entropy of the tokens, and the reward, times its weight,
   * where there is one.
   * @param predict what the model makes of answers u32 (R, N), R a multiple of B, of which answer r belongs to question
   *   r mod B: hidden states (R, N, D) and the vocabulary matrix
   */
  loss(predict: (answers: Tensor) => LastLayer): { tokens: Tensor; reward?: Tensor } {
    checkArgument('AnswerObjective.loss', 'predict', predict, callback);
    this.checkAlive();
    return this.runtime.scope(() => {
      const all = predict(this.#answers);
      const tokens = weightedCrossEntropy(all, this.#targets, this.#weights);
      if (!this.#reward) return { tokens };
      // The planned answers are the last copy.
      const { batch } = this.options;
      const first = (this.#copies.length - 1) * batch;
      const planned = { ...all, hidden: narrow(all.hidden, 0, first, batch) };
      const answers = narrow(this.#answers, 0, first, batch);
      const reward = this.#reward.loss(answers, planned, this.#spans, predict);
      return { tokens, reward: mul(reward, this.#rewardWeight) };
    });
  }

  /** For each copy of an answer its tokens and what they count. All copies are masked at one step ratio. */
  #draw(
    { ids, layout }: WantedAnswer,
    random: HostRandom,
  ): { readonly ids: readonly number[]; readonly weights: readonly number[] }[] {
    const t = drawStepRatio(random);
    const uniform = drawUniformMask(layout, t, random);
    const planned = drawPlannedMask(layout, t, this.#plan, random);
    const everything = ids.map(() => true);
    const masks = { none: everything, uniform, complement: complementOf(uniform), planned };
    const share = this.options.batch * layout.length;
    return this.#copies.map(({ mask, weighting, factor }) => ({
      ids: ids.map((id, i) => (mask !== 'none' && masks[mask][i] ? this.model.maskId : id)),
      weights: maskWeights(weighting, masks[mask], layout, t, this.#plan).map(
        (weight) => (factor * weight) / share,
      ),
    }));
  }
}

/** What an objective needs of a masked diffusion model; planned answers come last. */
function copiesFor(objective: Objective, complementary: boolean, planWeight: number): AnswerCopy[] {
  const copies: AnswerCopy[] = complementary
    ? [
        { mask: 'uniform', weighting: 'complementary', factor: 1 },
        { mask: 'complement', weighting: 'complementary', factor: 1 },
      ]
    : [{ mask: 'uniform', weighting: 'uniform', factor: 1 }];
  if (objective === 'uniform') return copies;
  const weighting = objective === '+boundary' ? 'planned' : 'step-weighted';
  return [...copies, { mask: 'planned', weighting, factor: planWeight }];
}
