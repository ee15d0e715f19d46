import type { Crop } from '../../data/formats/features.js';
import type { JsonRecord } from '../../data/formats/json-record.js';

/**
 * Where the features of the videos of a data set are, and which time a row of them has. It is the value of `features` in
 * `dataset.json`; layouts of published data sets make one of their own.
 */
export interface FeatureSource {
  /** Joined along the channels in this order (I3D: RGB, then optical flow; QVHighlights: SlowFast, then CLIP). */
  readonly parts: readonly FeaturePart[];
  /** Times of the rows of all parts. Without it a row is duration / T seconds long, T rows a video. */
  readonly timing?: FeatureTiming;
}

/**
 * Features [T, C] of every video, in one of three forms:
 * - a file for each video: `{ file: 'features/{id}_rgb.npy' }`;
 * - an array for each video in one file: `{ file: 'c3d.hdf5', array: '{id}/c3d_features' }`, likewise `.npz`,
 *   `.safetensors` and `.pt`;
 * - one `.npy` of Python objects, an array for each video in the order of `ids` (CO2-Net):
 *   `{ file: 'features.npy', ids: 'videoname.npy' }`.
 */
export interface FeaturePart {
  /**
   * Path from the folder of the data set, with `/`: `.npy`, `.npz`, `.safetensors`, `.hdf5`, `.h5`, `.pt`, `.pth`. `{id}` stands
   * for the id of the video. It never leads out of the folder.
   */
  readonly file: string;
  /** Name of the array in the file, with `{id}` where there is one for each video. Default: the only one that can be features. */
  readonly array?: string;
  /** Ids of the videos in the order of the arrays of `file`, or the file with them: `.npy` of text, `.json` of strings, or `.txt`, a line each. */
  readonly ids?: string | readonly string[];
  /** What is taken of ten-crop features [10, T, C]: their mean (default), or one crop, 0 to 9. */
  readonly crop?: Crop;
  /** `l2`: each row of this part is divided by its Euclidean norm, before parts are joined (UMT, Moment-DETR). */
  readonly normalize?: 'l2';
}

/** Distance and length of the clips in seconds, or in frames of the video that the features were extracted from. */
export type FeatureTiming = SecondsTiming | FramesTiming;

export interface SecondsTiming {
  /** Seconds from the beginning of a row to that of the next. */
  readonly strideSeconds: number;
  /** Seconds that a row is computed from; default: the stride. */
  readonly windowSeconds?: number;
}

export interface FramesTiming {
  /** Frames from the beginning of a row to that of the next. */
  readonly strideFrames: number;
  /** Frames that a row is computed from; default: the stride. */
  readonly windowFrames?: number;
  /** Frames a second at which the features were extracted. Default: the rate that the annotations give for each video. */
  readonly fps?: number;
}

/** Extensions of files with features. */
export const featureExtensions = ['.npy', '.npz', '.safetensors', '.hdf5', '.h5', '.pt', '.pth'] as const;
export type FeatureExtension = (typeof featureExtensions)[number];

/** What `{id}` in a path or name of an array stands for. */
export const ID = '{id}';

/** The extension of a file of features; undefined where it is of another kind. */
export const featureExtension = (file: string): FeatureExtension | undefined =>
  featureExtensions.find((extension) => file.toLowerCase().endsWith(extension));

/**
 * The `features` of `dataset.json`.
 * @throws FileFormatError where a field is unknown, missing or not as `FeatureSource` says
 */
export function readFeatureSource(record: JsonRecord): FeatureSource {
  record.checkNames('parts', 'timing');
  const parts = record.records('parts').map(readPart);
  if (parts.length === 0) throw record.error('parts is empty: name a file at least');
  return { parts, ...(!record.absent('timing') && { timing: readTiming(record.record('timing')) }) };
}

function readPart(record: JsonRecord): FeaturePart {
  record.checkNames('file', 'array', 'ids', 'crop', 'normalize');
  const file = pathIn(record, 'file');
  if (!featureExtension(file)) {
    throw record.error(`file is ${JSON.stringify(file)}, not one of ${featureExtensions.join(', ')}`);
  }
  const array = record.absent('array') ? undefined : template(record, 'array');
  const ids = record.absent('ids') ? undefined : readIds(record);
  const hasId = file.includes(ID) || (array?.includes(ID) ?? false);
  if (hasId === (ids !== undefined)) {
    throw record.error(
      hasId
        ? `ids goes with one array of all videos: leave it out, or ${ID}`
        : `neither file nor array has ${ID}, and there are no ids: which features are of which video?`,
    );
  }
  if (ids !== undefined && (featureExtension(file) !== '.npy' || array !== undefined)) {
    throw record.error('ids goes with a .npy file, without array');
  }
  const crop = record.value('crop') ?? undefined;
  if (
    crop !== undefined &&
    crop !== 'mean' &&
    !(Number.isInteger(crop) && 0 <= Number(crop) && Number(crop) <= 9)
  ) {
    throw record.error("crop is not 'mean' or an integer from 0 to 9");
  }
  const normalize = record.value('normalize') ?? undefined;
  if (normalize !== undefined && normalize !== 'l2') throw record.error("normalize is not 'l2'");
  return {
    file,
    ...(array !== undefined && { array }),
    ...(ids !== undefined && { ids }),
    ...(crop !== undefined && { crop: crop as Crop }),
    ...(normalize !== undefined && { normalize }),
  };
}

function readIds(record: JsonRecord): string | readonly string[] {
  if (typeof record.value('ids') !== 'string') return record.texts('ids');
  const file = pathIn(record, 'ids');
  if (!/\.(npy|json|txt)$/i.test(file) || file.includes(ID)) {
    throw record.error(`ids is ${JSON.stringify(file)}, not one .npy, .json or .txt`);
  }
  return file;
}

/** Times of clips, as `FeatureTiming` has them. @throws FileFormatError */
export function readTiming(record: JsonRecord): FeatureTiming {
  const optional = (name: string) => (record.absent(name) ? undefined : record.positive(name));
  if (record.has('strideFrames')) {
    record.checkNames('strideFrames', 'windowFrames', 'fps');
    const [windowFrames, fps] = [optional('windowFrames'), optional('fps')];
    return {
      strideFrames: record.positive('strideFrames'),
      ...(windowFrames !== undefined && { windowFrames }),
      ...(fps !== undefined && { fps }),
    };
  }
  record.checkNames('strideSeconds', 'windowSeconds', 'strideFrames', 'windowFrames', 'fps');
  if (record.has('fps') || record.has('windowFrames')) throw record.error('strideFrames is missing');
  const windowSeconds = optional('windowSeconds');
  return {
    strideSeconds: record.positive('strideSeconds'),
    ...(windowSeconds !== undefined && { windowSeconds }),
  };
}

/** A path from the folder that stays in it. */
function pathIn(record: JsonRecord, name: string): string {
  const path = template(record, name);
  if (!staysInside(path)) {
    throw record.error(
      `${name} is ${JSON.stringify(path)}: it must be a path in the folder of the data set, with /`,
    );
  }
  return path;
}

function template(record: JsonRecord, name: string): string {
  const text = record.text(name);
  const strange = text.replaceAll(ID, '').match(/\{[^}]*\}/)?.[0];
  if (strange)
    throw record.error(`${name} is ${JSON.stringify(text)}: only ${ID} is replaced, not ${strange}`);
  return text;
}

/** Whether a path with `/` names something inside the folder that it starts from, on every operating system. */
export function staysInside(path: string): boolean {
  // A colon names a drive or a stream of a file on Windows; a NUL ends the name for the operating system.
  return (
    !/[\\\0]/.test(path) &&
    !/^[a-z]:/i.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
