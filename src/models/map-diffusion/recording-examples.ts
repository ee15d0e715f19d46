import { checkArgument, checkArguments, instanceOf, integer, someOf } from '../../arguments.js';
import { type MomentQuery, momentQueryRule } from '../../data/annotations/moment-queries.js';
import { type Recordings, recordingsRule } from '../../data/formats/recordings.js';
import { WordVectors } from '../../data/text/words.js';
import { OptionError } from '../../errors.js';
import { checkConfig, type MapDiffusionConfig } from './config.js';
import type { MomentExample, MomentExamples } from './examples.js';
import { RecordingClips } from './recording-clips.js';

/**
 * Queries over excerpts of recordings as examples for a model of signals; see `RecordingClips`.
 * @throws OptionError where the recordings have other channels than the model, an excerpt is longer than its window, or
 *   the vectors another size
 */
export class RecordingExamples implements MomentExamples {
  readonly size: number;
  readonly queries = 1;
  readonly words: number;
  readonly spans: number;
  /** Words of the queries that the table lacks; their vectors are zeros. */
  readonly unknownWords: readonly string[];
  readonly #clips: RecordingClips;
  readonly #vectors: readonly Float32Array[];

  constructor(
    readonly config: MapDiffusionConfig,
    readonly recordings: Recordings,
    readonly asked: readonly MomentQuery[],
    table: WordVectors,
  ) {
    checkConfig(config);
    checkArguments(
      'RecordingExamples',
      { recordings, asked, table },
      {
        recordings: recordingsRule,
        asked: someOf(momentQueryRule),
        table: instanceOf(WordVectors, 'a WordVectors'),
      },
    );
    const { clips, layout, words } = config;
    this.#clips = new RecordingClips(clips, layout.clips, recordings, asked);
    if (table.dimensions !== words.size) {
      throw new OptionError(
        `the model reads word vectors of ${words.size} numbers, these have ${table.dimensions}`,
      );
    }
    const embedded = asked.map(({ query }) => table.embed(query));
    this.size = asked.length;
    this.#vectors = embedded.map(({ vectors }) => vectors);
    this.unknownWords = [...new Set(embedded.flatMap(({ unknown }) => unknown))].sort();
    this.words = Math.max(1, ...embedded.map((sentence) => sentence.words.length));
    this.spans = Math.max(1, ...asked.map(({ windows }) => windows.length));
  }

  /** @throws OptionError where there is no such example */
  example(index: number): MomentExample {
    checkArgument('RecordingExamples.example', 'index', index, integer(0, this.size - 1));
    const queries = [{ words: this.#vectors[index]!, spans: this.asked[index]!.windows }];
    return { ...this.#clips.of(index), queries };
  }
}
