import { HostRandom } from '../data/host-random.js';
import type { LastLayer } from '../diffusion/masked.js';
import { OptionError } from '../errors.js';
import { unknownKind } from '../models/map-diffusion/examples.js';
import { type AnswerSpans, IouReward, type IouRewardOptions } from '../models/mdvlm/iou-reward.js';
import {
  type AnswerLayout,
  checkedPlan,
  complementOf,
  drawPlannedMask,
  drawStepRatio,
  drawUniformMask,
  type MaskWeighting,
  maskWeights,
  type PlanOptions,
} from '../models/mdvlm/masking.js';
import type { Mdvlm } from '../models/mdvlm/mdvlm.js';
import { type Objective, rewardWeight, weightedCrossEntropy } from '../models/mdvlm/objective.js';
import { answerLength, type SignalMdvlm } from '../models/mdvlm/signal-config.js';
import type { SignalEyes } from '../models/mdvlm/signal-eyes.js';
import {
  type QuestionInputs,
  questionInputs,
  type SignalQuestion,
  type SignalQuestions,
  writeQuestions,
} from '../models/mdvlm/signal-questions.js';
import { add, mul } from '../ops/binary.js';
import { seedWords } from '../ops/philox.js';
import { Random } from '../ops/random.js';
import { narrow } from '../ops/slice.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TrainingTask } from './train.js';

export interface MdvlmTaskOptions {
  /** Questions a step. */
  readonly batch: number;
  readonly seed: number;
  /** Of the run, for the warm-up of the reward. */
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

/** How a copy of the answers is masked, and what its tokens count. */
interface AnswerCopy {
  readonly mask: 'none' | 'uniform' | 'complement' | 'planned';
  readonly weighting: MaskWeighting;
  readonly factor: number;
}

const layout: AnswerLayout = { length: answerLength, spans: [[0, 1]] };

/** Far from the streams of other draws of the same seed. */
const maskStream = 2 ** 21;

/**
 * Training of a model of signals by the objectives of MDVLM-TAL. A step takes a batch of questions, each answer in one
 * copy for each mask; masks are functions of the seed and the step.
 */
export class MdvlmTask implements TrainingTask {
  readonly model: Mdvlm<SignalEyes>;
  readonly examples: number;
  readonly batch: number;
  readonly #plan: Required<PlanOptions>;
  readonly #copies: readonly AnswerCopy[];
  readonly #inputs: QuestionInputs;
  readonly #kinds: Tensor;
  /** f32 (B, T): which part of each clip is asked for, and whether there is one. */
  readonly #shares: Tensor;
  readonly #there: Tensor;
  /** u32 and f32 (copies · B, N). */
  readonly #answers: Tensor;
  readonly #targets: Tensor;
  readonly #weights: Tensor;
  readonly #reward: IouReward | undefined;
  readonly #spans: AnswerSpans;
  readonly #rewardWeight: Tensor;
  readonly #draws: Random;

  /** @throws OptionError */
  constructor(
    readonly mdvlm: SignalMdvlm,
    readonly questions: SignalQuestions,
    readonly options: MdvlmTaskOptions,
  ) {
    const { model, config, vocabulary } = mdvlm;
    const { runtime } = model;
    const { batch, objective = '+iou', complementary = false, planWeight = 1 } = options;
    if (!(planWeight >= 0)) throw new OptionError(`planWeight must be at least 0, not ${planWeight}`);
    this.model = model;
    this.examples = questions.size;
    this.batch = batch;
    this.#plan = checkedPlan(options.plan);
    this.#copies =
      model.order === 'autoregressive'
        ? [{ mask: 'none', weighting: 'complementary', factor: 1 }]
        : copiesFor(objective, complementary, planWeight);
    const rows = batch * this.#copies.length;
    this.#inputs = questionInputs(runtime, config, batch);
    this.#draws = runtime.detached(() => new Random(runtime, options.seed));
    const positions = Array.from({ length: batch }, () => layout.spans[0]!).flat();
    const { count } = config.eyes;
    [this.#kinds, this.#shares, this.#there] = runtime.detached(() => [
      runtime.zeros([batch, count], 'u32'),
      runtime.zeros([batch, count]),
      runtime.zeros([batch, count]),
    ]);
    [this.#answers, this.#targets, this.#weights, this.#rewardWeight] = runtime.detached(() => [
      runtime.zeros([rows, answerLength], 'u32'),
      runtime.zeros([rows, answerLength], 'u32'),
      runtime.zeros([rows, answerLength]),
      runtime.zeros([]),
    ]);
    this.#spans = runtime.detached(() => ({
      positions: runtime.tensor(positions, [batch, 1, 2], 'u32'),
      truths: runtime.zeros([batch, 1, 2]),
      weights: runtime.tensor(new Float32Array(batch).fill(1 / batch), [batch, 1]),
    }));
    const { samples, ...reward } = options.reward ?? {};
    if (objective === '+iou' && model.order !== 'autoregressive') {
      const policy = samples === undefined ? {} : { policy: { samples, random: this.#draws } };
      this.#reward = new IouReward(runtime, vocabulary.times, vocabulary.maskId, { ...reward, ...policy });
    }
  }

  prepare(step: number, examples: readonly number[]): void {
    const { batch, steps, seed, reward } = this.options;
    const questions = examples.map((index) => this.questions.question(index));
    const { config } = this.mdvlm;
    writeQuestions(this.mdvlm, questions, this.#inputs);
    const kinds = new Uint32Array(this.#kinds.size).fill(unknownKind);
    questions.forEach((question, i) => {
      kinds.set(question.kinds, i * config.eyes.count);
    });
    this.#kinds.write(kinds);
    this.#writeShares(questions);
    const random = new HostRandom(seed, step + maskStream);
    const targets = questions.map((question) => this.#answerOf(question));
    const drawn = targets.map((ids) => this.#draw(ids, random));
    const rowsOf = (part: 'answer' | 'weights') =>
      this.#copies.flatMap((_, copy) => drawn.flatMap((copies) => copies[copy]![part]));
    this.#answers.write(rowsOf('answer'));
    this.#weights.write(rowsOf('weights').map((weight) => weight / (batch * answerLength)));
    this.#targets.write(this.#copies.flatMap(() => targets.flat()));
    this.#spans.truths.write(questions.flatMap(({ span }) => span!));
    const { weight = 0.5, warmup = 0.1 } = reward ?? {};
    this.#rewardWeight.write([rewardWeight(step, { full: weight, warmup, steps })]);
    // Far apart in the stream: a step draws less than 2^32 blocks.
    this.#draws.state.write(Uint32Array.of(...seedWords(seed), 0, step));
  }

  loss(): Tensor {
    const { eyes, grounding, runtime } = this.model;
    return runtime.scope(() => {
      const clips = eyes.clips(this.#inputs.video);
      const prompt = this.model.prompt(eyes.tokens(clips), this.#inputs);
      const predict = (answers: Tensor): LastLayer => this.model.answer(prompt, answers);
      const all = predict(this.#answers);
      const parts = [weightedCrossEntropy(all, this.#targets, this.#weights)];
      if (this.#reward) {
        // The planned answers are the last copy.
        const first = (this.#copies.length - 1) * this.batch;
        const planned = { ...all, hidden: narrow(all.hidden, 0, first, this.batch) };
        const answers = narrow(this.#answers, 0, first, this.batch);
        const reward = this.#reward.loss(answers, planned, this.#spans, predict);
        parts.push(mul(reward, this.#rewardWeight));
      }
      if (eyes.recognition) parts.push(eyes.recognition.loss(clips, this.#inputs.lengths, this.#kinds));
      if (grounding && 'states' in prompt) {
        // The visual tokens stand behind the first one.
        const states = narrow(prompt.states, 1, 1, eyes.config.count);
        parts.push(grounding.loss(states, this.#shares, this.#there));
      }
      return parts.reduce(add);
    });
  }

  dispose(): void {
    this.#reward?.dispose();
    this.#draws.dispose();
    const { positions, truths, weights } = this.#spans;
    const { video, lengths, ids, keyMask } = this.#inputs;
    const operands = [
      this.#kinds,
      this.#shares,
      this.#there,
      this.#answers,
      this.#targets,
      this.#weights,
      this.#rewardWeight,
    ];
    for (const tensor of [...operands, positions, truths, weights, video, lengths, ids, keyMask])
      tensor.dispose();
  }

  /** Which part of each clip the wanted spans cover. */
  #writeShares(questions: readonly SignalQuestion[]): void {
    const { eyes, times } = this.mdvlm.config;
    const clipsOf = (token: number) => (token * eyes.count) / (times - 1);
    const each = (value: (question: SignalQuestion, clip: number) => number) =>
      questions.flatMap((question) => Array.from({ length: eyes.count }, (_, clip) => value(question, clip)));
    const [shares, there] = [
      each(({ span }, clip) =>
        Math.max(0, Math.min(clip + 1, clipsOf(span![1])) - Math.max(clip, clipsOf(span![0]))),
      ),
      each(({ clips }, clip) => Number(clip < clips)),
    ];
    this.#shares.write(shares);
    this.#there.write(there);
  }

  /** The tokens of the wanted answer. */
  #answerOf({ span }: SignalQuestion): number[] {
    if (!span) throw new OptionError('a question without a known answer is nothing to learn from');
    const { times, eotId } = this.mdvlm.vocabulary;
    return [...span.map((token) => times.id(Math.min(times.count - 1, Math.round(token)))), eotId];
  }

  /** For each copy of an answer its tokens and what they count. All copies are masked at one step ratio. */
  #draw(ids: readonly number[], random: HostRandom): { answer: number[]; weights: number[] }[] {
    const t = drawStepRatio(random);
    const uniform = drawUniformMask(layout, t, random);
    const planned = drawPlannedMask(layout, t, this.#plan, random);
    const everything = ids.map(() => true);
    const masks = { none: everything, uniform, complement: complementOf(uniform), planned };
    const { maskId } = this.mdvlm.vocabulary;
    return this.#copies.map(({ mask, weighting, factor }) => ({
      answer: ids.map((id, i) => (mask !== 'none' && masks[mask][i] ? maskId : id)),
      weights: maskWeights(weighting, masks[mask], layout, t, this.#plan).map((weight) => factor * weight),
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
