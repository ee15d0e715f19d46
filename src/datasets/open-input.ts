import { checkArgument, checkFields, optional, positive, type Rule, type Rules, rule } from '../arguments.js';
import { type Crop, cropRule, loadFeatures } from '../data/formats/features.js';
import { arrayExtension, arrayExtensions } from '../data/formats/open-array-file.js';
import { readSignalCsv } from '../data/formats/signal-csv.js';
import { openVideo, type Video } from '../data/video/video.js';
import { OptionError } from '../errors.js';
import type { VideoItem } from './video-dataset.js';

/** A video that a model can look at: an item of a data set, or what `openInput` makes of a file. */
export type VideoInput = Pick<VideoItem, 'duration' | 'features' | 'signal' | 'video'>;

export interface InputOptions {
  /** Length in seconds; files of features do not say it. */
  readonly duration?: number;
  /** What is taken of ten-crop features [10, T, C]: their mean (default), or one crop, 0 to 9. */
  readonly crop?: Crop;
}

/** `Blob` where the consumer has a library with it: so the declarations need no types of pages or of Node. */
export type BlobLike =
  typeof globalThis extends Record<'Blob', { prototype: infer Instance }> ? Instance : never;

/** A file of one video: its path (Node), or the file itself; an open video; a recording; or the paths of its features. */
export type InputSource = string | readonly string[] | Uint8Array | BlobLike | Video;

const sourceRule: Rule<InputSource> = rule(
  'the path of a video, of a recording or of features, the bytes of a video, a File, or an open video',
  (value) =>
    (typeof value === 'string' && value !== '') ||
    (Array.isArray(value) && value.length > 0 && value.every((path) => typeof path === 'string')) ||
    value instanceof Uint8Array ||
    value instanceof Blob ||
    isVideo(value as InputSource),
);

const inputRules: Rules<InputOptions> = { duration: optional(positive), crop: optional(cropRule) };

/** Whether a path, `FILE` or `FILE#NAME`, is of features. */
export const isFeaturePath = (path: string): boolean =>
  arrayExtension(path) !== undefined || arrayExtension(path.replace(/#.*$/, '')) !== undefined;

/** Whether a path is of a recording of sensors. */
export const isSignalPath = (path: string): boolean => /\.csv$/i.test(path);

/**
 * A file as `localize` takes it: a video, or features (`loadFeatures`), several files of which are joined along their channels, or a recording of sensors (`.csv`,
 * `readSignalCsv`). A row of features lasts `duration` over their number.
 * @throws FileAccessError, FileFormatError as `openVideo` and `loadFeatures`; OptionError where features come without a
 *   duration
 */
export async function openInput(source: InputSource, options: InputOptions = {}): Promise<VideoInput> {
  checkArgument('openInput', 'source', source, sourceRule);
  checkFields('openInput', options, inputRules);
  if (isVideo(source)) return { duration: source.duration, video: async () => borrowed(source) };
  if (source instanceof Blob) return openInput(new Uint8Array(await source.arrayBuffer()), options);
  if (source instanceof Uint8Array) return videoInput(source);
  const paths = typeof source === 'string' ? [source] : source;
  if (!paths.every(isFeaturePath)) {
    if (paths.length === 1 && isSignalPath(paths[0]!)) return signalInput(paths[0]!);
    if (paths.length === 1) return videoInput(paths[0]!);
    throw new OptionError(
      `openInput: source must be one video or files of features (${arrayExtensions.join(', ')}), not ${paths.join(', ')}`,
    );
  }
  const { duration, crop } = options;
  if (duration === undefined) {
    throw new OptionError(`openInput: features need duration, the length of their video in seconds`);
  }
  const features = await loadFeatures(paths, crop === undefined ? {} : { crop });
  const stride = duration / features.steps;
  return { duration, features: async () => ({ ...features, stride, window: stride }) };
}

async function signalInput(path: string): Promise<VideoInput> {
  const recorded = await readSignalCsv(path);
  return { duration: recorded.duration, signal: async () => recorded };
}

async function videoInput(file: string | Uint8Array): Promise<VideoInput> {
  const video = await openVideo(file);
  await video.close();
  return { duration: video.duration, video: () => openVideo(file) };
}

function isVideo(source: InputSource): source is Video {
  return typeof source === 'object' && source !== null && 'frameTimes' in source;
}

/** An open video for one who closes what they are given: it stays open. */
function borrowed(video: Video): Video {
  return {
    duration: video.duration,
    width: video.width,
    height: video.height,
    frames: (shape, rate) => video.frames(shape, rate),
    frameTimes: () => video.frameTimes(),
    pictures: (seconds) => video.pictures(seconds),
    close: async () => {},
  };
}
