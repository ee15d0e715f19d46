import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readDurations, type VideoDurations } from '../../data/annotations/video-durations.js';
import { type Crop, featurePath } from '../../data/formats/features.js';
import { isFeaturePath, isSignalPath, openInput, type VideoInput } from '../../datasets/open-input.js';
import type { VideoDataset, VideoItem } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { LocalizationModel, ModelInput } from '../../models/localization-model.js';
import { given } from '../../tensor/given.js';
import { datasetOf } from './datasets.js';

/** A video that `tal localize` is asked about. */
export interface LocalizeInput {
  readonly id: string;
  /** What messages call it. */
  readonly name: string;
  readonly kind: ModelInput | 'item';
  /** Of a data set. */
  readonly item?: VideoItem;
  /** @throws FileAccessError, FileFormatError and others of `openInput` */
  open(): Promise<VideoInput>;
}

/** All that `tal localize` is asked about. */
export interface LocalizeInputs {
  readonly inputs: readonly LocalizeInput[];
  /** Whether one file was named, so that what it holds is printed. */
  readonly single: boolean;
  /** Where they are a split of a data set. */
  readonly data?: VideoDataset;
}

export interface InputFlags {
  readonly split?: string;
  readonly crop?: Crop;
  /** Seconds, or the file that has them by name. */
  readonly duration?: number | string;
}

const VIDEO = /\.(mp4|m4v|mov|webm|mkv|ts)$/i;

/** Between files of features that are joined: only after the ending of such a file. */
const JOINED = /(?<=\.(?:npy|npz|safetensors|pt|pth|hdf5|h5)(?:#[^+]*)?)\+/i;

/** The files of an input: those of features are joined by `+`. */
export const filesOfInput = (path: string): string[] => path.split(JOINED);

/**
 * The videos of paths: of files, of folders of files, or of a data set, which is alone then.
 * @throws OptionError where there is none, two have one name, or a data set needs a split; FileAccessError, FileFormatError
 */
export async function findInputs(paths: readonly string[], flags: InputFlags): Promise<LocalizeInputs> {
  const [first] = paths;
  const data = paths.length === 1 ? await datasetAt(first!, flags) : undefined;
  if (data) return ofDataset(data, flags);
  if (flags.split !== undefined)
    throw new OptionError('--split goes with one data set: a folder with annotations, or world');
  const durations = typeof flags.duration === 'string' ? await readDurations(flags.duration) : flags.duration;
  const inputs: LocalizeInput[] = [];
  let folders = 0;
  for (const path of paths) {
    if (!(await isFolder(path))) {
      inputs.push(fileInput(path, durations, flags));
      continue;
    }
    folders++;
    const names = (await readdir(path)).sort();
    const files = names.filter((name) => VIDEO.test(name) || isFeaturePath(name) || isSignalPath(name));
    if (files.length === 0)
      throw new OptionError(
        `${path} holds no video, no recording and no file of features, and looks like no data set (${names.slice(0, 8).join(', ') || 'it is empty'})`,
      );
    for (const name of files) inputs.push(fileInput(join(path, name), durations, flags));
  }
  return { inputs, single: folders === 0 && inputs.length === 1 };
}

/** Those that a model can look at: a folder may have videos and features. @throws OptionError where two have one name */
export function inputsFor(model: LocalizationModel, { inputs, single }: LocalizeInputs): LocalizeInput[] {
  const seen = single ? [...inputs] : inputs.filter(({ kind }) => kind === 'item' || kind === model.input);
  if (seen.length === 0)
    throw new OptionError(`there is no ${model.input}, which a ${model.architecture} model looks at`);
  const byId = new Map<string, LocalizeInput>();
  for (const input of seen) {
    const other = byId.get(input.id);
    if (other)
      throw new OptionError(`${other.name} and ${input.name} would both be ${JSON.stringify(input.id)}`);
    byId.set(input.id, input);
  }
  return seen;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** The data set that a path names; undefined where it is of files. */
async function datasetAt(path: string, { split }: InputFlags): Promise<VideoDataset | undefined> {
  const folder = await isFolder(path);
  if (!folder && path !== 'world' && split === undefined) return undefined;
  try {
    return await datasetOf(path);
  } catch (error) {
    // It looks like no layout: a folder of files.
    const names = folder && split === undefined ? await readdir(path) : ['dataset.json'];
    if (error instanceof OptionError && !names.includes('dataset.json')) return undefined;
    throw error;
  }
}

async function ofDataset(data: VideoDataset, { split, crop, duration }: InputFlags): Promise<LocalizeInputs> {
  try {
    for (const [name, value] of Object.entries({ crop, duration }))
      if (value !== undefined)
        throw new OptionError(`--${name} goes with files: a data set says in its dataset.json what it holds`);
    const [only, ...others] = data.splits;
    const chosen = split ?? (others.length === 0 ? only : undefined);
    if (chosen === undefined)
      throw new OptionError(`${data.name} is a data set: give --split, one of ${data.splits.join(', ')}`);
    const inputs = data.items(chosen).map(
      (item): LocalizeInput => ({
        ...{ id: item.id, name: `${data.name}, ${item.id}`, kind: 'item', item },
        open: async () => item,
      }),
    );
    if (inputs.length === 0) throw new OptionError(`the split ${chosen} of ${data.name} has no videos`);
    return { inputs, single: false, data };
  } catch (error) {
    await data.close();
    throw error;
  }
}

function fileInput(
  path: string,
  durations: VideoDurations | number | undefined,
  { crop }: InputFlags,
): LocalizeInput {
  const files = filesOfInput(path);
  const features = files.every(isFeaturePath);
  const id = features ? featureId(files[0]!) : basename(path).replace(/\.[^.]+$/, '');
  const duration = typeof durations === 'object' ? durations.of(id) : durations;
  const open = async () => {
    if (features && duration === undefined)
      throw new OptionError(
        typeof durations === 'object'
          ? `the file of --duration has no length of ${JSON.stringify(id)}`
          : `${path} holds features: give --duration, the length of the video`,
      );
    return openInput(features ? files : path, given({ crop, ...(features && { duration }) }));
  };
  return { id, name: path, kind: features ? 'features' : isSignalPath(path) ? 'signal' : 'video', open };
}

function featureId(path: string): string {
  const { file, extension } = featurePath(path);
  return basename(file).slice(0, -extension.length);
}
