import type { MomentQuery } from '../../data/moment-queries.js';
import type { Recording, Recordings } from '../../data/recordings.js';
import type { WordVectors } from '../../data/words.js';
import { OptionError } from '../../errors.js';
import { type MapDiffusionConfig, totalStride } from './config.js';
import { type MomentExample, type MomentExamples, unknownKind } from './examples.js';

/**
 * Queries over excerpts of recordings as examples for a model of signals. An excerpt shorter than the model's window is
 * padded with zeros, and a clip counts as there when at least half of it is.
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
  readonly #vectors: readonly Float32Array[];

  constructor(
    readonly config: MapDiffusionConfig,
    readonly recordings: Recordings,
    readonly asked: readonly MomentQuery[],
    table: WordVectors,
  ) {
    const { clips, words } = config;
    if (clips.kind !== 'signal') throw new OptionError(`a model of ${clips.kind} cannot read recordings`);
    if (clips.channels !== recordings.channels.length) {
      throw new OptionError(
        `the model reads ${clips.channels} channels, the recordings have ${recordings.channels.join(', ')}`,
      );
    }
    if (table.dimensions !== words.size) {
      throw new OptionError(
        `the model reads word vectors of ${words.size} numbers, these have ${table.dimensions}`,
      );
    }
    const window = this.#windowSamples / recordings.rate;
    const long = asked.find(({ duration }) => duration > window + 1e-6);
    if (long) {
      throw new OptionError(
        `query ${long.qid} is about ${long.duration} s, the model sees ${window} s at a time`,
      );
    }
    const embedded = asked.map(({ query }) => table.embed(query));
    this.size = asked.length;
    this.#vectors = embedded.map(({ vectors }) => vectors);
    this.unknownWords = [...new Set(embedded.flatMap(({ unknown }) => unknown))].sort();
    this.words = Math.max(1, ...embedded.map((sentence) => sentence.words.length));
    this.spans = Math.max(1, ...asked.map(({ windows }) => windows.length));
  }

  example(index: number): MomentExample {
    const { vid, excerpt, windows } = this.asked[index]!;
    const { channels, rate } = this.recordings;
    const recording = this.recordings.byName.get(vid)!;
    const samples = this.#windowSamples;
    const signal = recording.signal(...excerpt);
    const length = signal.length / channels.length;
    const video = new Float32Array(channels.length * samples);
    for (let sample = 0; sample < length; sample++) {
      for (let channel = 0; channel < channels.length; channel++) {
        video[channel * samples + sample] = signal[sample * channels.length + channel]!;
      }
    }
    const samplesOfClip = samples / this.config.layout.clips;
    const clips = Math.max(1, Math.round(length / samplesOfClip));
    const unit = samplesOfClip / rate;
    return {
      video,
      clips,
      unit,
      queries: [{ words: this.#vectors[index]!, spans: windows }],
      kinds: Array.from({ length: clips }, (_, i) => this.#kindAt(recording, excerpt[0] + (i + 0.5) * unit)),
    };
  }

  /** The number of what is done at a time of a recording. */
  #kindAt({ segments }: Recording, seconds: number): number {
    const found = segments.find(({ span: [start, end] }) => start <= seconds && seconds < end);
    return found ? this.recordings.classes.indexOf(found.label) : unknownKind;
  }

  get #windowSamples(): number {
    const { clips, layout } = this.config;
    return clips.kind === 'signal' ? layout.clips * totalStride(clips.stages) : 0;
  }
}
