import {
  checkArgument,
  checkArguments,
  instanceOf,
  integer,
  objectWith,
  onlyFields,
  pairOf,
  someOf,
} from '../../../arguments.js';
import { type MomentQuery, momentQueryRule } from '../../../data/annotations/moment-queries.js';
import { type Recordings, recordingsRule } from '../../../data/formats/recordings.js';
import { OptionError } from '../../../errors.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { sizeOf } from '../../../tensor/shape.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { videoShape } from '../../map-diffusion/clip-encoder.js';
import { type RecordedClips, RecordingClips } from '../../map-diffusion/recording-clips.js';
import type { PromptTokens } from '../mdvlm.js';
import { configRules, type SignalMdvlm, type SignalMdvlmConfig } from './signal-config.js';
import { WordVocabulary } from './word-vocabulary.js';

/** A question about an excerpt of a recording, as numbers. */
export interface SignalQuestion extends RecordedClips {
  /** Ids of the question's words. */
  readonly words: readonly number[];
  /** The wanted span in time tokens, between two where it falls so; absent where it is not known. */
  readonly span: readonly [start: number, end: number] | undefined;
}

const modelRule = objectWith<Pick<SignalMdvlm, 'config' | 'vocabulary'>>(
  {
    config: onlyFields(configRules),
    vocabulary: instanceOf(WordVocabulary, 'a WordVocabulary'),
  },
  'a model of signals (makeSignalMdvlm)',
);

/**
 * Moment queries over recordings as questions to a model of signals. Times are tokens of the window that the model sees,
 * so that a token is the same clip in every excerpt. Of several moments the first is asked for.
 * @throws OptionError as `RecordingClips`, and where a question has more words than the operands hold
 */
export class SignalQuestions {
  readonly size: number;
  readonly #clips: RecordingClips;
  readonly #words: readonly (readonly number[])[];

  constructor(
    readonly from: Pick<SignalMdvlm, 'config' | 'vocabulary'>,
    recordings: Recordings,
    readonly asked: readonly MomentQuery[],
  ) {
    checkArguments(
      'SignalQuestions',
      { from, recordings, asked },
      { from: modelRule, recordings: recordingsRule, asked: someOf(momentQueryRule) },
    );
    const { config, vocabulary } = from;
    this.size = asked.length;
    this.#clips = new RecordingClips(config.encoder.clips, config.encoder.count, recordings, asked);
    this.#words = asked.map(({ qid, query }) => {
      const ids = vocabulary.encode(query);
      if (ids.length <= config.question) return ids;
      throw new OptionError(`query ${qid} has ${ids.length} words, the model reads ${config.question}`);
    });
  }

  /** @throws OptionError where there is no such question */
  question(index: number): SignalQuestion {
    checkArgument('SignalQuestions.question', 'index', index, integer(0, this.size - 1));
    const [first] = this.asked[index]!.windows;
    const tokens = (seconds: number) => (seconds * (this.from.config.times - 1)) / this.#clips.window;
    return {
      ...this.#clips.of(index),
      words: this.#words[index]!,
      span: first && [tokens(first[0]), tokens(first[1])],
    };
  }

  /** The span of two time tokens in seconds of the excerpt that a query is about, the earlier one first. @throws OptionError */
  segment(index: number, tokens: readonly [number, number]): [number, number] {
    const { times } = this.from.vocabulary;
    const token = integer(0, times.count - 1);
    checkArguments(
      'SignalQuestions.segment',
      { index, tokens },
      {
        index: integer(0, this.size - 1),
        tokens: pairOf(token),
      },
    );
    const { duration } = this.asked[index]!;
    const seconds = tokens.map((token) => Math.min(duration, times.decode(token, this.#clips.window)));
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
