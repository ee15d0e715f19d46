import { type Abortable, abortRules } from '../../../abort.js';
import {
  callback,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  optional,
  type Rules,
  rule,
} from '../../../arguments.js';
import { MaskedSampler } from '../../../diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../../diffusion/masked-options.js';
import { lateStep, revisionFractions, rhoRule } from '../../../diffusion/unmasking.js';
import { tokenSet } from '../../../ops/sampling/decoding.js';
import type { Capture } from '../../../tensor/capture.js';
import { given } from '../../../tensor/given.js';
import { type Tensor, tensorsIn } from '../../../tensor/tensor.js';
import type { Segment } from '../../../time/segment.js';
import type { Prompt } from '../mdvlm.js';
import { answerLength, type SignalMdvlm, signalMdvlmRule } from '../signal/signal-config.js';
import {
  questionInputs,
  type SignalQuestion,
  SignalQuestions,
  writeQuestions,
} from '../signal/signal-questions.js';

export interface AnswerOptions extends Abortable {
  /** Denoising steps; default 4. An autoregressive model has one a token. */
  readonly steps?: number;
  /** ρ: times are committed in the last share of the steps only; default 1, in all. */
  readonly rho?: number;
  /** Share of the committed tokens that the first step may mask again, falling to 0; default 0, none. */
  readonly revise?: number;
  /** Questions at a time; default 32. */
  readonly batch?: number;
  /** Called after each batch with the number of questions done. */
  readonly onProgress?: (done: number) => void;
}

export const answerRules: Rules<AnswerOptions> = {
  steps: optional(integer(1)),
  rho: optional(rhoRule),
  revise: optional(
    rule<number>(
      'a number of at least 0 and below 1',
      (value) => typeof value === 'number' && value >= 0 && value < 1,
    ),
  ),
  batch: optional(integer(1)),
  onProgress: optional(callback),
  ...abortRules,
};

/**
 * The span that a model answers to each question, in seconds. Each position of the answer has only what may stand there:
 * two times, the earlier one first, then its end.
 * @throws OptionError
 */
export async function answerQuestions(
  mdvlm: SignalMdvlm,
  questions: SignalQuestions,
  answering: AnswerOptions = {},
): Promise<Segment[]> {
  checkArguments(
    'answerQuestions',
    { mdvlm, questions },
    { mdvlm: signalMdvlmRule, questions: instanceOf(SignalQuestions, 'a SignalQuestions') },
  );
  checkFields('answerQuestions', answering, answerRules);
  const { batch = 32, onProgress, signal, ...options } = answering;
  signal?.throwIfAborted();
  const { model, config, vocabulary } = mdvlm;
  const { runtime } = model;
  const together = Math.min(batch, questions.size);
  const { vocabulary: ids } = model.language.config;
  const sets = [tokenSet(ids, vocabulary.times.ids), tokenSet(ids, [vocabulary.eotId])];
  const { inputs, positions, allowed, allowedIndex, times } = runtime.detached(() => ({
    inputs: questionInputs(runtime, config, together),
    positions: runtime.tensor(Array<[number, number]>(together).fill([0, 1]).flat(), [together, 1, 2], 'u32'),
    allowed: runtime.tensor(Uint32Array.from(sets.flatMap((set) => [...set])), [2, sets[0]!.length], 'u32'),
    allowedIndex: runtime.tensor([0, 0, 1], undefined, 'u32'),
    times: runtime.tensor(sets[0]!, undefined, 'u32'),
  }));
  let prompt: Capture<Prompt> | undefined;
  let sampler: MaskedSampler | undefined;
  try {
    const stop = given({ signal });
    prompt = await runtime.capture(() => model.prompt(model.encoder.forward(inputs.video), inputs), stop);
    const before = prompt.outputs;
    sampler = await MaskedSampler.create(runtime, (tokens) => model.answer(before, tokens), {
      ...{ batch: together, length: answerLength, answerLength, maskId: vocabulary.maskId },
      ...{ allowed, allowedIndex },
      spans: { positions, firstId: vocabulary.times.firstId, count: config.times },
      ...stepsOf(model.order, options, times),
      ...stop,
    });
    const masked = new Uint32Array(together * answerLength).fill(vocabulary.maskId);
    const found: Segment[] = [];
    for (let first = 0; first < questions.size; first += together) {
      const count = Math.min(together, questions.size - first);
      const asked: SignalQuestion[] = [];
      for (let i = 0; i < count; i++) asked.push(await questions.question(first + i));
      writeQuestions(mdvlm, asked, inputs);
      prompt.run();
      const answers = await sampler.decode(masked, stop);
      for (let i = 0; i < count; i++) {
        const [start, end] = [0, 1].map((k) => vocabulary.times.indexOf(answers[i * answerLength + k]!)!);
        found.push(questions.segment(asked[i]!, [start!, end!]));
      }
      onProgress?.(found.length);
    }
    return found;
  } finally {
    sampler?.dispose();
    prompt?.dispose();
    for (const tensor of tensorsIn([inputs, positions, allowed, allowedIndex, times])) tensor.dispose();
  }
}

/** The order in which positions get their tokens. @throws OptionError */
function stepsOf(
  order: SignalMdvlm['model']['order'],
  { steps = 4, rho = 1, revise = 0 }: AnswerOptions,
  times: Tensor,
): Partial<MaskedSamplerOptions> {
  if (order === 'autoregressive') return { blockLength: 1, steps: answerLength };
  const from = lateStep(steps, rho);
  return {
    steps,
    ...(rho < 1 && { late: { ids: times, from } }),
    ...(revise > 0 && { revision: { fractions: revisionFractions(steps, revise) } }),
  };
}
