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
import { rhoRule } from '../../../diffusion/unmasking.js';
import type { Capture } from '../../../tensor/capture.js';
import { given } from '../../../tensor/given.js';
import { tensorsIn } from '../../../tensor/tensor.js';
import type { Segment } from '../../../time/segment.js';
import type { Prompt } from '../mdvlm.js';
import { answerLength, type SignalMdvlm, signalMdvlmRule } from '../signal/signal-config.js';
import {
  questionInputs,
  type SignalQuestion,
  SignalQuestions,
  writeQuestions,
} from '../signal/signal-questions.js';
import type { WordVocabulary } from '../signal/word-vocabulary.js';
import { AnswerDecoder, type DecoderOptions } from './answer-decoder.js';
import type { TokenRules } from './decoding-options.js';

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
  const { runtime, language } = model;
  const together = Math.min(batch, questions.size);
  const inputs = questionInputs(runtime, config, together);
  let prompt: Capture<Prompt> | undefined;
  let decoder: AnswerDecoder | undefined;
  try {
    const stop = given({ signal });
    prompt = await runtime.capture(() => model.prompt(model.encoder.forward(inputs.video), inputs), stop);
    const before = prompt.outputs;
    decoder = await AnswerDecoder.create(language, (tokens) => model.answer(before, tokens), {
      ...{ batch: together, length: answerLength },
      ...spanThenEnd(vocabulary),
      ...stepsOf(mdvlm, options),
      ...stop,
    });
    const found: Segment[] = [];
    for (let first = 0; first < questions.size; first += together) {
      const count = Math.min(together, questions.size - first);
      const asked: SignalQuestion[] = [];
      for (let i = 0; i < count; i++) asked.push(await questions.question(first + i));
      writeQuestions(mdvlm, asked, inputs);
      prompt.run();
      const { ids } = await decoder.decode(stop);
      for (let i = 0; i < count; i++) {
        const [start, end] = [0, 1].map((k) => vocabulary.times.indexOf(ids[i * answerLength + k]!)!);
        found.push(questions.segment(asked[i]!, [start!, end!]));
      }
      onProgress?.(found.length);
    }
    return found;
  } finally {
    decoder?.dispose();
    prompt?.dispose();
    for (const tensor of tensorsIn(inputs)) tensor.dispose();
  }
}

/** Two times, then the token that ends the answer. */
function spanThenEnd({ times, eotId, size }: WordVocabulary): TokenRules {
  const ids = Array.from({ length: size }, (_, id) => id);
  return { span: times, banned: ids.filter((id) => id !== eotId) };
}

/** The order in which positions get their tokens. @throws OptionError */
function stepsOf(
  { model, vocabulary }: SignalMdvlm,
  { steps = 4, rho = 1, revise = 0 }: AnswerOptions,
): Partial<DecoderOptions> {
  if (model.order === 'autoregressive') return { blockLength: 1, steps: answerLength };
  return { steps, revise, ...(rho < 1 && { late: { ids: vocabulary.times.ids, rho } }) };
}
