import type { Features } from '../data/formats/features.js';
import type { QueryId } from '../data/formats/json-record.js';
import type { WordVectors } from '../data/text/words.js';
import type { Video } from '../data/video/video.js';
import type { LabelledSegment, Segment } from '../time/segment.js';
import type { Priors } from './priors/priors.js';

/** Features of the clips of a video: a row a clip, each with a time. */
export interface ClipFeatures extends Features {
  /** Seconds from the beginning of a row to that of the next. */
  readonly stride: number;
  /** Seconds that a row was computed from: row i covers [i * stride, i * stride + window). At least a frame. */
  readonly window: number;
}

/** What sensors recorded: an untrimmed signal of several channels. */
export interface Signal {
  /** Samples a second. */
  readonly rate: number;
  readonly channels: readonly string[];
  /** Length in seconds. */
  readonly duration: number;
  /**
   * The signal of [start, end) seconds in physical units, [samples, channels], row-major. A bound is the nearest sample.
   * @throws OptionError where the span is not within the recording
   */
  read(start: number, end: number): Float32Array;
}

/** A sentence about a video, or an excerpt of it, and the moments of which it is true. */
export interface VideoQuery {
  /** Unique in the split. */
  readonly id: QueryId;
  readonly text: string;
  /** What the sentence is about, in seconds of the video; the whole video where there is nothing else. */
  readonly excerpt: Segment;
  /** The moments, in seconds of the excerpt; empty where the answer is kept back. */
  readonly windows: readonly Segment[];
  /** What the sentence asks for, such as `single`, `ordinal` or `relation`; empty where the data set does not say. */
  readonly kind: string;
  /** How much each clip of the excerpt is worth seeing for this sentence (QVHighlights). */
  readonly saliency?: ClipScores;
  /** Token features [L, C] of the sentence, where the data set brings them. @throws FileAccessError, FileFormatError */
  features?(): Promise<Features>;
}

/** A benchmark of highlights, which says how they are counted. */
export type HighlightBenchmark = 'qvhighlights' | 'tvsum' | 'youtube-highlights';

/** Scores of clips by people: how much each clip is worth seeing. */
export interface ClipScores {
  /** In seconds of the video, or of the excerpt that a query is about; they may overlap, and leave parts out. */
  readonly clips: readonly Segment[];
  /** By annotator, then by clip; NaN where an annotator gave none. */
  readonly scores: readonly (readonly number[])[];
  /**
   * How highlights are counted in evaluation: scores of 0 to 4 for relevant clips, the others having 0 (`qvhighlights`, the
   * default); the best five clips against each annotator's median (`tvsum`); all clips, 1 being a highlight (`youtube-highlights`).
   */
  readonly benchmark?: HighlightBenchmark;
}

/** A sentence that describes a segment of a video. */
export interface Caption {
  readonly text: string;
  readonly segment: Segment;
}

/**
 * What is known of a video. A field is missing where the data set, or this split of it, has no such annotations; an empty
 * list says that there is nothing to find.
 */
export interface Annotations {
  readonly segments?: readonly LabelledSegment[];
  readonly queries?: readonly VideoQuery[];
  readonly captions?: readonly Caption[];
  readonly clipScores?: ClipScores;
  /** Classes of the whole video. */
  readonly labels?: readonly string[];
}

/** A video of a data set. Nothing of it is read before it is asked for. */
export interface VideoItem {
  /** Unique in its split; the same id in another split is the same video with other annotations. */
  readonly id: string;
  /** Length in seconds. */
  readonly duration: number;
  readonly annotations: Annotations;
  /**
   * Features of its clips, where the data set has them.
   * @throws FileAccessError, FileFormatError, ShapeError, DtypeError that name the file
   */
  features?(): Promise<ClipFeatures>;
  /** The video itself, where the data set has it; whoever opens it closes it. @throws FileAccessError, FileFormatError */
  video?(): Promise<Video>;
  /** The recording, where the data set has signals. @throws FileAccessError, FileFormatError */
  signal?(): Promise<Signal>;
}

/** A part of the features of a data set: they may be joined from several. */
export interface StoredFeatures {
  /** Its file or files, such as `features/{id}_rgb.npy`. */
  readonly name: string;
  readonly ids: readonly string[];
}

/** Videos with annotations. `openDataset` opens the folder of one. */
export interface VideoDataset {
  readonly name: string;
  /** Names of the classes of segments and labels, in a fixed order; empty where there are none. */
  readonly classes: readonly string[];
  /** Names of the splits, such as `train`, `validation`, `test`. */
  readonly splits: readonly string[];
  /**
   * The videos of a split, always in the same order. Annotations are in memory, features, videos and signals are not.
   * @param split one of `splits`; or the name that the data set's own files have for it, such as `val`; or, where they
   *   list splits by domain, a domain and a split, such as `dog/train`
   * @throws OptionError where there is no such split
   */
  items(split: string): readonly VideoItem[];
  /** Vectors of the words of its queries, where the data set has them. @throws FileAccessError, FileFormatError */
  words?(): Promise<WordVectors>;
  /**
   * Which videos features are stored of, by the file or files that they are in, whether or not the annotations have them.
   * @throws FileAccessError, FileFormatError
   */
  storedFeatures?(): Promise<readonly StoredFeatures[]>;
  /**
   * What a language model told of its videos, where `priors.json` is there (`openPriors`); whoever opens them closes them.
   * @throws FileAccessError, FileFormatError
   */
  priors?(): Promise<Priors>;
  /** Closes the files that it keeps open; items can't be read any more. */
  close(): Promise<void>;
}
