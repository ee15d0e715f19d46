import type { Features } from '../../data/formats/features.js';
import type { OnRefused } from '../../data/formats/json-record.js';
import type { Segment } from '../../time/segment.js';
import type { DatasetFile } from '../dataset-file.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { SecondsTiming } from '../features/feature-source.js';
import type { Annotations, Signal, VideoQuery } from '../video-dataset.js';

/**
 * How a published data set lays out its annotations. A folder as it was distributed is recognised by what its
 * `dataset.json` would say; the rest of the package knows only that.
 */
export interface Layout {
  /** As `annotations.layout` of `dataset.json` says it. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** The `dataset.json` of a folder as it was distributed; undefined where it looks like another. */
  looksLike(folder: DatasetFolder): Promise<DatasetFile | undefined>;
  /**
   * The videos of one file of annotations.
   * @param onRefused told of an entry that is not as it should be, which is passed over then
   * @throws FileAccessError, FileFormatError with file, line or entry, and field
   */
  read(file: FoundFile, onRefused?: OnRefused): Promise<LayoutFile>;
  /** Names of splits in its files, and what they are called here; default: `commonSplits`. */
  readonly splitNames?: Readonly<Record<string, string>>;
}

export interface LayoutFile {
  readonly videos: readonly LayoutVideo[];
  /** Names of the classes, where the file has an order of them. */
  readonly classes?: readonly string[];
}

/** A video as its annotations tell it. */
export interface LayoutVideo {
  readonly id: string;
  /** File and entry, for messages. */
  readonly where: string;
  /** As the file calls it, where it says. */
  readonly split?: string;
  /** Which part of the data set it belongs to, where splits are by part (domains of TVSum and YouTube Highlights). */
  readonly part?: string;
  /** Length in seconds, where the file says. */
  readonly duration?: number;
  /** Frames a second of the video that features were extracted from, where the file says. */
  readonly frameRate?: number;
  /** Times of the rows of its features, where the file says. */
  readonly timing?: SecondsTiming;
  readonly annotations: LayoutAnnotations;
  signal?(): Promise<Signal>;
}

/** Annotations whose spans may leave the video: what opens the data set cuts them. */
export interface LayoutAnnotations extends Omit<Annotations, 'queries'> {
  readonly queries?: readonly LayoutQuery[];
}

export interface LayoutQuery extends Omit<VideoQuery, 'excerpt' | 'kind'> {
  /** Default: the whole video. */
  readonly excerpt?: Segment;
  /** Default: none. */
  readonly kind?: string;
  features?(): Promise<Features>;
}
