import { abortRules } from '../../../abort.js';
import {
  callback,
  checkArguments,
  checkFields,
  flag,
  instanceOf,
  integer,
  listOf,
  number,
  numberIn,
  numbers,
  objectWith,
  onlyFields,
  optional,
  positive,
  type Rule,
  type Rules,
  rule,
  spanOf,
} from '../../../arguments.js';
import type { Video } from '../../../data/video/video.js';
import { rhoRule } from '../../../diffusion/unmasking.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import type { Segment } from '../../../time/segment.js';
import { type AnswerPart, answerFromTokens, withSpokenTimes } from '../decoding/answers.js';
import { decodeAnswer } from '../decoding/decode-answer.js';
import {
  answerSizes,
  type DecodingOptions,
  decodingRules,
  type TokenRules,
} from '../decoding/decoding-options.js';
import {
  chatRule,
  type EncodedChat,
  encodeChat,
  frameTimesText,
  STOP_TOKENS,
  VISUAL_ID,
  VISUAL_MARK,
  visualPlace,
} from '../language/chat.js';
import { Tokenizer } from '../language/tokenizer.js';
import type { PromptTokens } from '../mdvlm.js';
import { type VideoMdvlm, videoMdvlmRule } from './video-folder.js';
import { type VideoPixelsOptions, videoPixels, videoRule } from './video-pixels.js';

/** A video, or an excerpt of one, as a model has seen it. Dispose `visual` after use. */
export interface SeenVideo {
  /** Visual tokens (1, T, D). */
  readonly visual: Tensor;
  /** [start, end] of what was looked at, in seconds of the video. */
  readonly excerpt: Segment;
  /** When the frames that were looked at begin to be shown, in seconds of the excerpt. */
  readonly seconds: readonly number[];
}

/**
 * Looks at evenly spaced frames of a video, which then can be asked about as often as wanted.
 * @throws FileFormatError where the video is damaged, OptionError where the number of frames or the excerpt is out of range
 */
export async function watchVideo(
  mdvlm: VideoMdvlm,
  video: Video,
  options: Omit<VideoPixelsOptions, 'size'> = {},
): Promise<SeenVideo> {
  checkArguments('watchVideo', { mdvlm, video }, { mdvlm: videoMdvlmRule, video: videoRule });
  checkFields('watchVideo', options, watchRules);
  const { config, model } = mdvlm;
  const { frames = config.frames, excerpt = [0, video.duration], signal } = options;
  const { runtime, encoder } = model;
  const size = config.visual.vision.imageSize;
  await takeTurn(runtime);
  const { pixels, seconds } = await videoPixels(runtime, video, {
    ...{ frames, size, excerpt },
    ...given({ signal }),
  });
  try {
    const [start, end] = excerpt;
    return {
      visual: encoder.forward(pixels),
      excerpt,
      seconds: seconds.map((time) => Math.min(Math.max(0, time - start), end - start)),
    };
  } finally {
    pixels.dispose();
  }
}

const watchRules: Rules<Omit<VideoPixelsOptions, 'size'>> = {
  frames: optional(integer(1)),
  excerpt: optional(spanOf()),
  ...abortRules,
};

/** The vision encoder and the language model work in turn, on tensors of other sizes: what the one leaves free the other cannot use. */
const takeTurn = (runtime: Runtime): Promise<void> => runtime.trim();

const questionRule: Rule<string> = rule(
  'a string that is not blank',
  (value) => typeof value === 'string' && value.trim() !== '',
);

const framesRule = onlyFields<{ readonly duration: number; readonly seconds: readonly number[] }>({
  duration: positive,
  seconds: listOf(numberIn(0)),
});

/**
 * A question about a video in LLaDA-V's chat template: the place of the visual tokens comes first, then on a line of its
 * own what the model is told of its frames, if anything, then the question.
 * @param frames what to tell: the length of the video and the times of the frames, in seconds
 * @throws OptionError where the question is empty
 */
export function videoChat(
  tokenizer: Tokenizer,
  question: string,
  frames?: { readonly duration: number; readonly seconds: readonly number[] },
): EncodedChat {
  checkArguments(
    'videoChat',
    { tokenizer, question, frames },
    { tokenizer: instanceOf(Tokenizer, 'a Tokenizer'), question: questionRule, frames: optional(framesRule) },
  );
  const told = frames ? [frameTimesText(frames.duration, frames.seconds)] : [];
  const content = [VISUAL_MARK, ...told, question].join('\n');
  return encodeChat(tokenizer, [{ role: 'user', content }]);
}

/** A conversation as an `Mdvlm` takes it. @throws OptionError where it has not exactly one place for visual tokens */
export function chatPrompt(runtime: Runtime, chat: EncodedChat): PromptTokens {
  checkArguments('chatPrompt', { runtime, chat }, { runtime: anyRuntime, chat: chatRule });
  const visualAt = visualPlace(chat);
  const ids = chat.ids.filter((id) => id !== VISUAL_ID);
  return { ids: runtime.tensor(Uint32Array.from(ids), [1, ids.length], 'u32'), visualAt };
}

export interface AnswerVideoOptions extends DecodingOptions {
  /** Tell the model when the frames are that it sees (`frameTimesText`). Default false. */
  readonly tellTimes?: boolean;
  /** The planned order of MDVLM-TAL: times are committed in this last share of the steps only. Default 1, in all. */
  readonly rho?: number;
  /** The answer must begin with two times, the earlier one first, which are chosen together. Default false. */
  readonly timesFirst?: boolean;
  /** Called after each step with the answer so far, as `partialAnswer` gives it, and the number of steps done. */
  readonly onStep?: (text: string, done: number) => void;
}

const answerRules: Rules<AnswerVideoOptions> = {
  ...decodingRules,
  tellTimes: optional(flag),
  rho: optional(rhoRule),
  timesFirst: optional(flag),
  onStep: optional(callback),
};

const { onStep: _, ...passedRules } = answerRules;
/** The options of `answerVideo` but for `onStep`, for those who pass them on. */
export const answerVideoRules: Rules<Omit<AnswerVideoOptions, 'onStep'>> = passedRules;

const seenRule: Rule<SeenVideo> = objectWith<SeenVideo>({
  visual: anyTensor,
  excerpt: spanOf(),
  seconds: listOf(number),
});

export interface VideoAnswer {
  readonly text: string;
  /**
   * Times in seconds of the excerpt, with the probabilities that the model gave its tokens when it chose them; where it
   * chose no time tokens, the times that its words say (`withSpokenTimes`).
   */
  readonly parts: readonly AnswerPart[];
}

/** Tokens of the template beside the one that ends an answer: LLaDA-V never answers with them. */
const neverAnswered = ['<|endoftext|>', '<|startoftext|>', '<|start_header_id|>', '<|end_header_id|>'];

/**
 * The answer to a question about a video, decoded as LLaDA-V decodes: low-confidence remasking block by block, over when
 * all before the token that ends the answer is committed.
 * @throws OptionError where the question is empty, sizes do not fit together, or all of it is too long for the model
 */
export async function answerVideo(
  mdvlm: VideoMdvlm,
  seen: SeenVideo,
  question: string,
  options: AnswerVideoOptions = {},
): Promise<VideoAnswer> {
  checkArguments(
    'answerVideo',
    { mdvlm, seen, question },
    { mdvlm: videoMdvlmRule, seen: seenRule, question: questionRule },
  );
  checkFields('answerVideo', options, answerRules);
  const { config, tokenizer, model } = mdvlm;
  const { visual, excerpt, seconds } = seen;
  const { tellTimes = false, rho = 1, timesFirst = false, onStep, ...decoding } = options;
  const { runtime, language } = model;
  const { length } = answerSizes(decoding);
  const duration = excerpt[1] - excerpt[0];
  const chat = videoChat(tokenizer, question, tellTimes ? { duration, seconds } : undefined);
  const { maskId, maxPositions } = config.language;
  const words = chat.ids.length - 1;
  const visualTokens = visual.shape[1]!;
  if (words + visualTokens + length > maxPositions) {
    throw new OptionError(
      `${seconds.length} frames (${visualTokens} tokens), ${words} tokens of the question and ${length} of the answer ` +
        `are over the model's ${maxPositions} positions: look at fewer frames`,
    );
  }
  const { times } = tokenizer;
  const rules: TokenRules = {
    banned: neverAnswered.map((token) => tokenizer.id(token)),
    stopId: tokenizer.id('<|eot_id|>'),
    ...(rho !== 1 && { late: { ids: times.ids, rho } }),
    ...(timesFirst && { span: times }),
  };
  await takeTurn(runtime);
  const prompt = runtime.detached(() =>
    runtime.scope(() => model.embedded(visual, chatPrompt(runtime, chat))),
  );
  try {
    const { ids, probabilities } = await decodeAnswer(
      language,
      prompt,
      { ...decoding, ...rules },
      onStep && ((answer, done) => onStep(partialAnswer(tokenizer, answer, maskId), done)),
    );
    return {
      text: partialAnswer(tokenizer, ids, maskId),
      parts: withSpokenTimes(answerFromTokens(tokenizer, ids, probabilities, duration), duration),
    };
  } finally {
    for (const part of prompt) if (part !== visual) part.dispose();
  }
}

/** Stands for a token that is not decoded yet. */
export const MASK_MARK = '░';

/** An answer that is being decoded as text, up to the first token that ends it: times as `<t12>`, `MASK_MARK` for masks. */
export function partialAnswer(tokenizer: Tokenizer, ids: ArrayLike<number>, maskId: number): string {
  checkArguments(
    'partialAnswer',
    { tokenizer, ids, maskId },
    { tokenizer: instanceOf(Tokenizer, 'a Tokenizer'), ids: numbers, maskId: integer(0) },
  );
  const stops = STOP_TOKENS.map((token) => tokenizer.id(token));
  const all = Array.from(ids);
  const end = all.findIndex((id) => stops.includes(id));
  const runs: number[][] = [[]];
  // Runs between masks are decoded whole: a character may be several tokens.
  for (const id of end < 0 ? all : all.slice(0, end)) {
    if (id === maskId) runs.push([]);
    else runs.at(-1)!.push(id);
  }
  return runs.map((run) => tokenizer.decode(run)).join(MASK_MARK);
}
