import {
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  numberIn,
  objectWith,
  onlyFields,
  optional,
  pairOf,
  positive,
  type Rule,
  type Rules,
  text,
} from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import { OptionError } from '../../../errors.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { sizeOf } from '../../../tensor/shape.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type AskedWindow, askedRule, readWindow } from '../../map-diffusion/asked-windows.js';
import { videoShape } from '../../map-diffusion/clip-encoder.js';
import { type ClipReader, signalReader } from '../../map-diffusion/clip-reader.js';
import { unknownClass, type VideoClips } from '../../map-diffusion/examples.js';
import type { PromptTokens } from '../mdvlm.js';
import { configRules, type SignalMdvlm, type SignalMdvlmConfig } from './signal-config.js';
import { WordVocabulary } from './word-vocabulary.js';

/** A question about a window of a signal, as numbers. */
export interface SignalQuestion extends VideoClips {
  /** Ids of the question's words. */
  readonly words: readonly number[];
  /** The wanted span in time tokens, between two where it falls so; absent where it is not known. */
  readonly span: readonly [start: number, end: number] | undefined;
  /** The class of each clip, by number, `unknownClass` where nothing is known of it. */
  readonly classes: readonly number[];
}

export const questionRule: Rule<SignalQuestion> = objectWith<SignalQuestion>({
  video: instanceOf(Float32Array, 'a Float32Array'),
  clips: integer(1),
  unit: positive,
  duration: positive,
  words: listOf(integer(0)),
  span: optional(pairOf(numberIn(0))),
  classes: listOf(integer(0, unknownClass)),
});

export interface SignalQuestionOptions {
  /** Names of the classes that the model recognizes in clips, for training with labelled segments. */
  readonly classes?: readonly string[];
}

const optionRules: Rules<SignalQuestionOptions> = { classes: optional(listOf(text)) };

const modelRule = objectWith<Pick<SignalMdvlm, 'config' | 'vocabulary'>>(
  {
    config: onlyFields(configRules),
    vocabulary: instanceOf(WordVocabulary, 'a WordVocabulary'),
  },
  'a model of signals (makeSignalMdvlm)',
);

/**
 * The sentences about windows of signals as questions to a model, in their order, read when they are needed. Times are tokens of
 * what the model sees at a time, so that a token is the same clip in every window. Of several moments the first is asked for.
 */
export class SignalQuestions {
  /** Sentences of all windows. */
  readonly size: number;
  /** Words of the sentences that the model does not know. */
  readonly unknownWords: readonly string[];
  readonly #each: readonly { readonly asked: AskedWindow; readonly words: readonly number[] }[];
  readonly #reader: ClipReader;
  readonly #classes: readonly string[];

  /** @throws OptionError where a video has no signal, or a sentence has more words than the model reads */
  constructor(
    readonly from: Pick<SignalMdvlm, 'config' | 'vocabulary'>,
    readonly asked: readonly AskedWindow[],
    options: SignalQuestionOptions = {},
  ) {
    checkArguments('SignalQuestions', { from, asked }, { from: modelRule, asked: askedRule('signal') });
    checkFields('SignalQuestions', options, optionRules);
    const { config, vocabulary } = from;
    const { encoder, question } = config;
    this.#each = asked.flatMap(({ video, window, sentences }) =>
      sentences.map((sentence) => {
        const words = vocabulary.encode(sentence.text);
        if (words.length <= question) return { asked: { video, window, sentences: [sentence] }, words };
        throw new OptionError(
          `SignalQuestions: the question ${JSON.stringify(sentence.text)} has ${words.length} words, the model reads ${question}`,
        );
      }),
    );
    this.size = this.#each.length;
    this.unknownWords = vocabulary.unknownWords(
      this.#each.flatMap(({ asked }) => asked.sentences.map(({ text }) => text)),
    );
    this.#reader = signalReader(encoder.clips, encoder.count);
    this.#classes = options.classes ?? [];
  }

  /**
   * @param random of training, where a window that is longer than the model sees is cut at random, with a part of a moment
   * @throws OptionError where there is no such question, its window is longer than the model sees, or its signal has other
   *   channels than the model; FileAccessError, FileFormatError where it cannot be read
   */
  async question(index: number, random?: HostRandom): Promise<SignalQuestion> {
    checkArguments(
      'SignalQuestions.question',
      { index, random },
      { index: integer(0, this.size - 1), random: optional(instanceOf(HostRandom, 'a HostRandom')) },
    );
    const { asked, words } = this.#each[index]!;
    const {
      sentences,
      classes,
      window: _,
      ...clips
    } = await readWindow(this.#reader, asked, this.#classes, random);
    const [first] = sentences[0]!.windows;
    const { encoder, times } = this.from.config;
    const tokens = (seconds: number) => (seconds * (times - 1)) / (encoder.count * clips.unit);
    return {
      ...clips,
      words,
      span: first && [tokens(first[0]), tokens(first[1])],
      classes: classes ?? Array<number>(clips.clips).fill(unknownClass),
    };
  }

  /** The span of two time tokens in seconds of the window of a question, the earlier one first. @throws OptionError */
  segment(question: SignalQuestion, tokens: readonly [number, number]): [number, number] {
    const { config, vocabulary } = this.from;
    const { times } = vocabulary;
    checkArguments(
      'SignalQuestions.segment',
      { question, tokens },
      { question: questionRule, tokens: pairOf(integer(0, times.count - 1)) },
    );
    const { unit, duration } = question;
    const window = config.encoder.count * unit;
    const seconds = tokens.map((token) => Math.min(duration, times.decode(token, window)));
    return [Math.min(...seconds), Math.max(...seconds)];
  }
}

/** The operands of questions to a model of signals: the first token, the clips, the words. */
export interface QuestionInputs extends PromptTokens {
  readonly keyMask: Tensor;
  /** f32 (B, channels, samples). */
  readonly video: Tensor;
  /** u32 (B): clips that are not padding. */
  readonly lengths: Tensor;
}

/** Operands for `batch` questions at a time. */
export function questionInputs(
  runtime: Runtime,
  { encoder, question }: SignalMdvlmConfig,
  batch: number,
): QuestionInputs {
  const zeros = (...shape: number[]) => runtime.zeros(shape, 'u32');
  return runtime.detached(() => ({
    video: runtime.zeros(videoShape(encoder.clips, encoder.count, batch)),
    lengths: zeros(batch),
    ids: zeros(batch, 1 + question),
    visualAt: 1,
    keyMask: zeros(batch, 1 + encoder.count + question),
  }));
}

/** Writes a batch into operands. A batch that is not full is filled up with repetitions of the last question. */
export function writeQuestions(
  { config: { encoder, question: maxWords }, vocabulary }: Pick<SignalMdvlm, 'config' | 'vocabulary'>,
  questions: readonly SignalQuestion[],
  { video, lengths, ids, keyMask }: QuestionInputs,
): void {
  const batch = lengths.size;
  const all = Array.from({ length: batch }, (_, i) => questions[Math.min(i, questions.length - 1)]!);
  const videoSize = sizeOf(videoShape(encoder.clips, encoder.count, 1));
  const samples = new Float32Array(batch * videoSize);
  const words = new Uint32Array(ids.size).fill(vocabulary.unknownId);
  const seen = new Uint32Array(keyMask.size);
  all.forEach((question, i) => {
    samples.set(question.video, i * videoSize);
    const row = i * (1 + maxWords);
    words[row] = vocabulary.bosId;
    words.set(question.words, row + 1);
    const first = i * (1 + encoder.count + maxWords);
    seen.fill(1, first, first + 1 + question.clips);
    const afterVisual = first + 1 + encoder.count;
    seen.fill(1, afterVisual, afterVisual + question.words.length);
  });
  video.write(samples);
  lengths.write(Uint32Array.from(all, ({ clips }) => clips));
  ids.write(words);
  keyMask.write(seen);
}
