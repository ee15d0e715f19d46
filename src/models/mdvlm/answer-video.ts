import type { Span } from '../../data/json-record.js';
import type { Video } from '../../data/video.js';
import { OptionError } from '../../errors.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type AnswerPart, answerFromTokens, withSpokenTimes } from './answers.js';
import {
  type EncodedChat,
  encodeChat,
  frameTimesText,
  STOP_TOKENS,
  VISUAL_ID,
  VISUAL_MARK,
  visualPlace,
} from './chat.js';
import { answerSizes, type DecodingOptions, decodeAnswer, type TokenRules } from './decode-answer.js';
import type { PromptTokens } from './mdvlm.js';
import type { Tokenizer } from './tokenizer.js';
import type { VideoMdvlm } from './video-folder.js';
import { type VideoPixelsOptions, videoPixels } from './video-pixels.js';

/** A video, or an excerpt of one, as a model has seen it. Dispose `visual` after use. */
export interface SeenVideo {
  /** Visual tokens (1, T, D). */
  readonly visual: Tensor;
  /** [start, end] of what was looked at, in seconds of the video. */
  readonly excerpt: Span;
  /** When the frames that were looked at begin to be shown, in seconds of the excerpt. */
  readonly seconds: readonly number[];
}

/**
 * Looks at evenly spaced frames of a video, which then can be asked about as often as wanted.
 * @throws FileFormatError where the video is damaged, OptionError where the number of frames or the excerpt is out of range
 */
export async function watchVideo(
  { config, model }: VideoMdvlm,
  video: Video,
  { frames = config.frames, excerpt = [0, video.duration] }: Omit<VideoPixelsOptions, 'size'> = {},
): Promise<SeenVideo> {
  const { runtime, eyes } = model;
  const size = config.visual.vision.imageSize;
  await takeTurn(runtime);
  const { pixels, seconds } = await videoPixels(runtime, video, { frames, size, excerpt });
  try {
    const [start, end] = excerpt;
    return {
      visual: eyes.forward(pixels),
      excerpt,
      seconds: seconds.map((time) => Math.min(Math.max(0, time - start), end - start)),
    };
  } finally {
    pixels.dispose();
  }
}

/** Eyes and language model work in turn, on tensors of other sizes: what the one leaves free the other cannot use. */
const takeTurn = (runtime: Runtime): Promise<void> => runtime.trim();

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
  if (question.trim() === '') throw new OptionError('the question about the video is empty');
  const told = frames ? [frameTimesText(frames.duration, frames.seconds)] : [];
  const content = [VISUAL_MARK, ...told, question].join('\n');
  return encodeChat(tokenizer, [{ role: 'user', content }]);
}

/** A conversation as an `Mdvlm` takes it. @throws OptionError where it has not exactly one place for visual tokens */
export function chatPrompt(runtime: Runtime, chat: EncodedChat): PromptTokens {
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
 * all before the token that ends the answer is there.
 * @throws OptionError where the question is empty, sizes do not fit together, or there is no room for it all
 */
export async function answerVideo(
  { config, tokenizer, model }: VideoMdvlm,
  { visual, excerpt, seconds }: SeenVideo,
  question: string,
  { tellTimes = false, rho = 1, timesFirst = false, onStep, ...decoding }: AnswerVideoOptions = {},
): Promise<VideoAnswer> {
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
