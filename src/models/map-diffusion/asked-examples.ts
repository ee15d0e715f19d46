import {
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  listOf,
  optional,
  type Rules,
  text,
} from '../../arguments.js';
import { HostRandom } from '../../data/host-random.js';
import { WordVectors } from '../../data/text/words.js';
import { OptionError } from '../../errors.js';
import { augmentationRule, augmentSignal, type SignalAugmentation } from '../common/signal-augmentation.js';
import { type AskedWindow, askedRule, readWindow } from './asked-windows.js';
import { type ClipReader, clipReader, inputOf } from './clip-reader.js';
import { checkConfig, type MapDiffusionConfig } from './config.js';
import type { MomentExample, MomentExamples } from './examples.js';

export interface AskedOptions {
  /** Names of the classes that the model recognizes in clips, for training with labelled segments. */
  readonly classes?: readonly string[];
  /** How signals are changed in training; default: they are not. */
  readonly augment?: SignalAugmentation;
  /** Sentences of each example, some twice where a window has fewer; default 1. */
  readonly queries?: number;
}

const optionRules: Rules<AskedOptions> = {
  classes: optional(listOf(text)),
  augment: optional(augmentationRule),
  queries: optional(integer(1)),
};

/**
 * Windows of videos with sentences about them, read when they are needed. In training (`random`), the sentences of an example are
 * drawn from those of its window, and a window that is longer than the model sees is cut at a random place that keeps at
 * least a part of a moment; moments are cut with it (MS-2D-TAN).
 */
export class AskedExamples implements MomentExamples {
  readonly size: number;
  readonly queries: number;
  readonly words: number;
  readonly spans: number;
  /** Words of the sentences that the table lacks; their vectors are zeros. */
  readonly unknownWords: readonly string[];
  readonly #vectors: ReadonlyMap<string, Float32Array>;
  readonly #reader: ClipReader;
  readonly #classes: readonly string[];
  readonly #augment: SignalAugmentation | undefined;

  /**
   * @throws OptionError where a video lacks what the model looks at, the vectors have another size, or the table has no
   *   word of a sentence
   */
  constructor(
    readonly config: MapDiffusionConfig,
    readonly asked: readonly AskedWindow[],
    table: WordVectors,
    options: AskedOptions = {},
  ) {
    checkConfig(config);
    checkArguments(
      'AskedExamples',
      { asked, table },
      { asked: askedRule(inputOf(config)), table: instanceOf(WordVectors, 'a WordVectors') },
    );
    checkFields('AskedExamples', options, optionRules);
    if (table.dimensions !== config.words.size) {
      throw new OptionError(
        `the model reads word vectors of ${config.words.size} numbers (words.size), these have ${table.dimensions}`,
      );
    }
    const sentences = asked.flatMap((window) => window.sentences);
    // Windows of a long video, and questions about one, often have the same sentence.
    const embedded = new Map(sentences.map(({ text }) => [text, table.embed(text)]));
    for (const [text, { words, unknown }] of embedded) {
      if (words.every((word) => unknown.includes(word)))
        throw new OptionError(`the model knows no word of the query ${JSON.stringify(text)}`);
    }
    const { classes = [], queries = 1, augment } = options;
    this.size = asked.length;
    this.queries = queries;
    this.#classes = classes;
    this.#augment = augment;
    if (augment && config.clips.kind !== 'signal')
      throw new OptionError('AskedExamples: augment is for models of signals');
    this.words = Math.max(1, ...[...embedded.values()].map(({ words }) => words.length));
    this.spans = Math.max(1, ...sentences.map(({ windows }) => windows.length));
    this.unknownWords = [...new Set([...embedded.values()].flatMap(({ unknown }) => unknown))].sort();
    this.#vectors = new Map([...embedded].map(([text, { vectors }]) => [text, vectors]));
    this.#reader = clipReader(config);
  }

  /**
   * @throws OptionError where there is no such example; OptionError, ShapeError, FileAccessError, FileFormatError where its
   *   window cannot be read
   */
  async example(index: number, random?: HostRandom): Promise<MomentExample> {
    checkArguments(
      'AskedExamples.example',
      { index, random },
      { index: integer(0, this.size - 1), random: optional(instanceOf(HostRandom, 'a HostRandom')) },
    );
    const { video, window, sentences: all } = this.asked[index]!;
    const order = random?.permutation(all.length) ?? [...all.keys()];
    const sentences = Array.from({ length: this.queries }, (_, i) => all[order[i % order.length]!]!);
    const read = await readWindow(this.#reader, { video, window, sentences }, this.#classes, random);
    const { sentences: seen, window: _, ...clips } = read;
    if (random && this.#augment)
      augmentSignal(clips.video, this.config.clips.channels, this.#augment, random);
    return {
      ...clips,
      queries: seen.map(({ text, windows }) => ({ words: this.#vectors.get(text)!, spans: windows })),
    };
  }
}
