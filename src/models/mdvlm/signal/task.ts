import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  objectWith,
  someOf,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import { OptionError } from '../../../errors.js';
import { narrow } from '../../../ops/array/slice.js';
import { Owner } from '../../../tensor/owner.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type BatchSampler, shuffledBatches } from '../../../training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask } from '../../../training/training-task.js';
import { unknownClass } from '../../map-diffusion/examples.js';
import type { Mdvlm } from '../mdvlm.js';
import {
  AnswerObjective,
  type AnswerObjectiveOptions,
  objectiveRules,
  type WantedAnswer,
} from '../objective/answer-objective.js';
import type { AnswerLayout } from '../objective/masking.js';
import { answerLength, type SignalMdvlm, signalMdvlmRule } from './signal-config.js';
import type { SignalEncoder } from './signal-encoder.js';
import {
  type QuestionInputs,
  questionInputs,
  questionRule,
  type SignalQuestion,
  SignalQuestions,
  writeQuestions,
} from './signal-questions.js';

const layout: AnswerLayout = { length: answerLength, spans: [[0, 1]] };

/** Training of a model of signals by the objectives of MDVLM-TAL. A step takes a batch of questions. */
export class MdvlmTask extends Owner implements TrainingTask<readonly SignalQuestion[]> {
  readonly model: Mdvlm<SignalEncoder>;
  readonly sampler: BatchSampler;
  readonly batch: number;
  readonly #seed: number;
  readonly #objective: AnswerObjective;
  readonly #inputs: QuestionInputs;
  readonly #classes: Tensor;
  /** f32 (B, T): which part of each clip is asked for, and 0 for clips that are padding, else 1. */
  readonly #shares: Tensor;
  readonly #validMask: Tensor;

  /** @throws OptionError */
  constructor(
    readonly mdvlm: SignalMdvlm,
    readonly questions: SignalQuestions,
    options: AnswerObjectiveOptions,
  ) {
    checkArguments(
      'MdvlmTask',
      { mdvlm, questions },
      { mdvlm: signalMdvlmRule, questions: instanceOf(SignalQuestions, 'a SignalQuestions') },
    );
    checkFields('MdvlmTask', options, objectiveRules);
    const { model, config, vocabulary } = mdvlm;
    const { runtime, order } = model;
    super(runtime);
    const { maskId, times } = vocabulary;
    this.model = model;
    this.batch = options.batch;
    this.#seed = options.seed;
    this.sampler = shuffledBatches(questions.size, options.batch);
    const limits = { maxLength: answerLength, maxSpans: layout.spans.length };
    const perClip = [this.batch, config.encoder.count];
    [this.#objective, this.#inputs, this.#classes, this.#shares, this.#validMask] = this.own(() => [
      new AnswerObjective(runtime, { order, maskId, times }, limits, options),
      questionInputs(runtime, config, this.batch),
      runtime.zeros(perClip, 'u32'),
      runtime.zeros(perClip),
      runtime.zeros(perClip),
    ]);
  }

  /** Reads the questions of a batch. @throws OptionError as `SignalQuestions.question` */
  async load(index: number, examples: readonly number[]): Promise<readonly SignalQuestion[]> {
    checkArguments(
      'MdvlmTask.load',
      { index, examples },
      { index: integer(0), examples: someOf(integer(0, this.questions.size - 1)) },
    );
    const loaded: SignalQuestion[] = [];
    for (const [i, example] of examples.entries()) {
      const random = new HostRandom(this.#seed, 2 ** 24 + index * this.batch + i);
      loaded.push(await this.questions.question(example, random));
    }
    return loaded;
  }

  /** Writes questions that `load` gave. @throws OptionError */
  prepare(batch: Pick<Batch<readonly SignalQuestion[]>, 'index' | 'loaded'>): void {
    checkArgument(
      'MdvlmTask.prepare',
      'batch',
      batch,
      objectWith<typeof batch>({ index: integer(0), loaded: someOf(questionRule) }),
    );
    const { index, loaded: questions } = batch;
    this.checkAlive();
    const { config } = this.mdvlm;
    writeQuestions(this.mdvlm, questions, this.#inputs);
    const classes = new Uint32Array(this.#classes.size).fill(unknownClass);
    questions.forEach((question, i) => {
      classes.set(question.classes, i * config.encoder.count);
    });
    this.#classes.write(classes);
    this.#objective.prepare(
      index,
      questions.map((question) => this.#answerOf(question)),
    );
    this.#writeShares(questions);
  }

  loss(): LossParts {
    this.checkAlive();
    const { encoder, grounding, runtime } = this.model;
    return runtime.scope(() => {
      const clips = encoder.clips(this.#inputs.video);
      const prompt = this.model.prompt(encoder.tokens(clips), this.#inputs);
      const parts: Record<string, Tensor> = this.#objective.loss((tokens) =>
        this.model.answer(prompt, tokens),
      );
      if (encoder.recognition) {
        parts.recognition = encoder.recognition.loss(clips, this.#inputs.lengths, this.#classes);
      }
      if (grounding && 'states' in prompt) {
        const states = narrow(prompt.states, 1, this.#inputs.visualAt, encoder.config.count);
        parts.grounding = grounding.loss(states, this.#shares, this.#validMask);
      }
      return parts;
    });
  }

  /** Which part of each clip the wanted spans cover. */
  #writeShares(questions: readonly SignalQuestion[]): void {
    const { encoder, times } = this.mdvlm.config;
    const clipsOf = (token: number) => (token * encoder.count) / (times - 1);
    const each = (value: (question: SignalQuestion, clip: number) => number) =>
      questions.flatMap((question) =>
        Array.from({ length: encoder.count }, (_, clip) => value(question, clip)),
      );
    const [shares, validMask] = [
      each(({ span }, clip) =>
        Math.max(0, Math.min(clip + 1, clipsOf(span![1])) - Math.max(clip, clipsOf(span![0]))),
      ),
      each(({ clips }, clip) => Number(clip < clips)),
    ];
    this.#shares.write(shares);
    this.#validMask.write(validMask);
  }

  #answerOf({ span }: SignalQuestion): WantedAnswer {
    if (!span) throw new OptionError('a question without a known answer is nothing to learn from');
    const { times, eotId } = this.mdvlm.vocabulary;
    const token = (time: number) => times.id(Math.min(times.count - 1, Math.round(time)));
    return {
      ids: [...span.map(token), eotId],
      layout,
      spans: [{ positions: layout.spans[0]!, truth: span }],
    };
  }
}
