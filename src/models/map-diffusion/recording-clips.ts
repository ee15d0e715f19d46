import type { MomentQuery } from '../../data/annotations/moment-queries.js';
import type { Recording, Recordings } from '../../data/formats/recordings.js';
import { OptionError } from '../../errors.js';
import { signalClips } from './clip-reader.js';
import { type ClipConfig, totalStride } from './config.js';
import { unknownClass } from './examples.js';

/** The excerpt that a query is about, as numbers. */
export interface RecordedClips {
  /** (channels, N · samples of a clip) row-major, padded with zeros. */
  readonly video: Float32Array;
  /** Clips that are not padding. */
  readonly clips: number;
  /** Seconds a clip. */
  readonly unit: number;
  /** Seconds of the excerpt. */
  readonly duration: number;
  /** The number of what each clip shows, `unknownClass` where nothing is known of it. */
  readonly classes: readonly number[];
}

/**
 * Excerpts of recordings as a model of signals sees them, of N clips. An excerpt shorter than that is padded with zeros,
 * and a clip belongs to it when at least half of it does.
 * @throws OptionError where the recordings have other channels than the model, or an excerpt is longer than its window
 */
export class RecordingClips {
  readonly #samplesOfClip: number;

  constructor(
    readonly config: ClipConfig,
    readonly count: number,
    readonly recordings: Recordings,
    readonly asked: readonly MomentQuery[],
  ) {
    if (config.kind !== 'signal') throw new OptionError(`a model of ${config.kind} cannot read recordings`);
    if (config.channels !== recordings.channels.length) {
      throw new OptionError(
        `the model reads ${config.channels} channels, the recordings have ${recordings.channels.join(', ')}`,
      );
    }
    this.#samplesOfClip = totalStride(config.stages);
    const long = asked.find(({ duration }) => duration > this.window + 1e-6);
    if (long) {
      throw new OptionError(
        `query ${long.qid} is about ${long.duration} s, the model sees ${this.window} s at a time`,
      );
    }
  }

  /** Seconds that the model sees at a time. */
  get window(): number {
    return (this.count * this.#samplesOfClip) / this.recordings.rate;
  }

  /** The excerpt of query `index`. */
  of(index: number): RecordedClips {
    const { vid, excerpt } = this.asked[index]!;
    const { channels, rate } = this.recordings;
    const recording = this.recordings.byName.get(vid)!;
    const read = (start: number, end: number) => recording.signal(start, end);
    const seen = signalClips(
      this.config,
      this.count,
      { channels, rate, duration: recording.duration, read },
      excerpt,
    );
    const { clips, unit } = seen;
    return {
      ...seen,
      classes: Array.from({ length: clips }, (_, i) =>
        this.#classAt(recording, excerpt[0] + (i + 0.5) * unit),
      ),
    };
  }

  /** The number of what is done at a time of a recording. */
  #classAt({ segments }: Recording, seconds: number): number {
    const found = segments.find(({ segment: [start, end] }) => start <= seconds && seconds < end);
    return found ? this.recordings.classes.indexOf(found.label) : unknownClass;
  }
}
