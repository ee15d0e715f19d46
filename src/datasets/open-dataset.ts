import { callback, checkArgument, nearest, object, optional, path as pathRule } from '../arguments.js';
import { readDurations } from '../data/annotations/video-durations.js';
import { JsonRecord, readJsonRecord } from '../data/formats/json-record.js';
import { loadWordVectors } from '../data/text/words.js';
import { openVideo, type Video } from '../data/video/video.js';
import { FileFormatError, OptionError, ReleasedError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import { cutAnnotations } from './cut-annotations.js';
import { type DatasetFile, readDatasetFile } from './dataset-file.js';
import { type DatasetFolder, openFolder } from './dataset-folder.js';
import type { OnFault } from './fault.js';
import { FaultReport } from './fault-report.js';
import { pathInside, withId } from './features/feature-files.js';
import type { FeatureSource } from './features/feature-source.js';
import { type FeatureStore, openFeatures } from './features/open-features.js';
import type { LayoutVideo } from './layouts/layout.js';
import { layouts } from './layouts/layouts.js';
import { openPriors, PRIORS_FILE } from './priors/read-priors.js';
import { type ReadAnnotations, readAnnotationFiles } from './read-annotations.js';
import { sortedSplits } from './splits.js';
import type { VideoDataset, VideoItem } from './video-dataset.js';

/** The file that says what a folder holds. */
const DATASET_FILE = 'dataset.json';

/** Names of the layouts of annotations that are read. */
export const datasetLayouts: readonly string[] = layouts.map(({ name }) => name);

/** What takes the place of fields of `dataset.json`, and where faults go. */
export interface OpenDatasetOptions extends DatasetFile {
  /**
   * Called with each fault of the annotations that is not thrown then: an entry that cannot be used is passed over, a span
   * that leaves its video is cut or left out.
   */
  readonly onFault?: OnFault;
}

/**
 * Opens the folder of a data set: one with a `dataset.json`, or a published one as it was distributed.
 *
 * Spans are cut to the video, as published annotations have some that end after it, or begin after they end; what has no
 * length then is left out. `onFault` tells of them.
 * @throws FileAccessError where a file is missing or cannot be read; FileFormatError that names file, line or entry, and
 *   field, where one is not as its layout says, or where the length of a video is not known; OptionError where the
 *   folder looks like no layout, or like several
 */
export async function openDataset(folder: string, options: OpenDatasetOptions = {}): Promise<VideoDataset> {
  checkArgument('openDataset', 'folder', folder, pathRule);
  const { given, report } = checkedOptions(options);
  const opened = await openFolder(folder);
  const file = { ...(await describe(opened, given)), ...given };
  const annotations = file.annotations ?? { layout: 'tal', files: 'annotations.json' };
  const layout = layouts.find(({ name }) => name === annotations.layout)!;
  const read = await readAnnotationFiles(folder, layout, annotations, report);
  const { basename, resolve } = await nodeModule('node:path');
  return makeDataset(
    folder,
    { ...file, annotations, name: file.name ?? basename(resolve(folder)) },
    read,
    report,
    opened.names.includes(PRIORS_FILE),
  );
}

function checkedOptions(options: OpenDatasetOptions): { given: DatasetFile; report: FaultReport } {
  try {
    checkArgument('openDataset', 'options', options, object);
    const { onFault, ...fields } = options;
    checkArgument('openDataset', 'onFault', onFault, optional(callback));
    const record = new JsonRecord(fields, 'openDataset: options');
    return { given: readDatasetFile(record, datasetLayouts), report: new FaultReport(onFault) };
  } catch (cause) {
    if (!(cause instanceof FileFormatError)) throw cause;
    throw new OptionError(cause.message, { cause });
  }
}

/** What the folder's `dataset.json` says, or would say. */
async function describe(folder: DatasetFolder, given: DatasetFile): Promise<DatasetFile> {
  const { join } = await nodeModule('node:path');
  if (folder.names.includes(DATASET_FILE))
    return readDatasetFile(await readJsonRecord(join(folder.path, DATASET_FILE)), datasetLayouts);
  if (given.annotations) return {};
  const found: [string, DatasetFile][] = [];
  for (const layout of layouts) {
    const description = await layout.looksLike(folder);
    if (description) found.push([layout.name, description]);
  }
  const [first, ...others] = found;
  if (first && others.length === 0) return first[1];
  throw new OptionError(
    first
      ? `openDataset: ${folder.path} looks like ${found.map(([name]) => name).join(' and like ')}: ` +
          `say in a ${DATASET_FILE} which is meant`
      : `openDataset: ${folder.path} has no ${DATASET_FILE} and looks like none of ${datasetLayouts.join(', ')}; ` +
          `it holds ${folder.names.slice(0, 8).join(', ') || 'nothing'}${folder.names.length > 8 ? ', …' : ''}`,
  );
}

async function makeDataset(
  folder: string,
  {
    name,
    annotations,
    features: source,
    videos,
    words,
    classes: wantedClasses,
  }: DatasetFile & { readonly name: string },
  { bySplit, names, classes: fileClasses }: ReadAnnotations,
  report: FaultReport,
  hasPriors: boolean,
): Promise<VideoDataset> {
  const { join } = await nodeModule('node:path');
  let closed = false;
  const whileOpen =
    <T>(read: () => Promise<T>) =>
    async (): Promise<T> => {
      if (closed) throw new ReleasedError(`The data set ${name} is closed`);
      return read();
    };
  const given = annotations?.durations;
  const durations = given === undefined ? undefined : await readDurations(join(folder, given));
  const openItem = (id: string) =>
    videos === undefined ? undefined : async () => openVideo(await pathInside(folder, withId(videos, id)));

  const store = source && openFeatures(source, folder);
  const featuresOf =
    ({ id, frameRate, timing }: LayoutVideo, duration: number) =>
    () =>
      store!.read({
        id,
        duration,
        ...(frameRate !== undefined && { frameRate }),
        // What dataset.json says of the times of rows comes first.
        ...(timing && !source!.timing && { timing }),
      });

  const itemOf = async (video: LayoutVideo, split: string): Promise<VideoItem | undefined> => {
    const { id, signal, where } = video;
    const open = openItem(id);
    const duration =
      video.duration ??
      durations?.of(id) ??
      (await lengthOf(open)) ??
      (await featuresLength(store, source, video));
    if (duration === undefined) {
      const lacking =
        given === undefined
          ? 'name a file of durations, or the videos, in dataset.json'
          : `${given} lacks it`;
      const message = `${where}: the length of the video ${JSON.stringify(id)} is not known: ${lacking}`;
      report.refuse({ kind: 'entry', video: id, split, message });
      return undefined;
    }
    return {
      id,
      duration,
      annotations: cutAnnotations(video.annotations, duration, (message) =>
        report.note({ kind: 'span', video: id, split, message: `${where}: ${message}` }),
      ),
      ...(store && { features: whileOpen(featuresOf(video, duration)) }),
      ...(open && { video: whileOpen(open) }),
      ...(signal && { signal: whileOpen(signal) }),
    };
  };

  const classes = wantedClasses ?? fileClasses;
  const items = new Map<string, readonly VideoItem[]>();
  const parts = new Map<string, VideoItem[]>();
  for (const [own, annotated] of bySplit) {
    const split = names.get(own)!;
    const made: VideoItem[] = [];
    for (const video of annotated) {
      if (classes) checkLabels(video, split, classes, report);
      const item = await itemOf(video, split);
      if (!item) continue;
      made.push(item);
      if (video.part === undefined) continue;
      for (const part of new Set([`${video.part}/${split}`, `${video.part}/${own}`]))
        parts.set(part, [...(parts.get(part) ?? []), item]);
    }
    items.set(split, [...(items.get(split) ?? []), ...made]);
  }
  const splits = sortedSplits([...items.keys()]);
  return {
    name,
    classes: classes ?? labelsOf([...items.values()].flat()),
    splits,
    items(split) {
      const found = items.get(split) ?? items.get(names.get(split) ?? '') ?? parts.get(split);
      if (found) return found;
      const known = [...new Set([...splits, ...names.keys(), ...parts.keys()])];
      const near = typeof split === 'string' ? nearest(split, known) : undefined;
      throw new OptionError(
        `VideoDataset.items: ${name} has no split ${JSON.stringify(split)}` +
          `${near === undefined ? '' : `, did you mean ${near}?`} (it has ${known.join(', ')})`,
      );
    },
    ...(store && { storedFeatures: whileOpen(() => store.stored()) }),
    ...(words !== undefined && { words: whileOpen(() => loadWordVectors(join(folder, words))) }),
    ...(hasPriors && { priors: whileOpen(() => openPriors(join(folder, PRIORS_FILE))) }),
    async close() {
      closed = true;
      await store?.close();
    },
  };
}

/** Seconds of a video that can be opened. */
async function lengthOf(open: (() => Promise<Video>) | undefined): Promise<number | undefined> {
  const video = await open?.();
  await video?.close();
  return video?.duration;
}

/** Seconds that the features of a video cover, where their times are known. */
async function featuresLength(
  store: FeatureStore | undefined,
  source: FeatureSource | undefined,
  { id, frameRate }: LayoutVideo,
): Promise<number | undefined> {
  if (!store || !source?.timing) return undefined;
  // With a timing, the length of the video says nothing of the features.
  const unused = 1;
  const { steps, stride, window } = await store.read({
    id,
    duration: unused,
    ...(frameRate !== undefined && { frameRate }),
  });
  return (steps - 1) * stride + window;
}

function checkLabels(
  { id, where, annotations: { segments = [], labels = [] } }: LayoutVideo,
  split: string,
  classes: readonly string[],
  report: FaultReport,
): void {
  for (const label of new Set([...segments.map(({ label }) => label), ...labels])) {
    if (classes.includes(label)) continue;
    const message = `${where}: the label ${JSON.stringify(label)} is none of the classes`;
    report.refuse({ kind: 'class', video: id, split, message });
  }
}

/** All labels, sorted. */
const labelsOf = (items: readonly VideoItem[]): string[] =>
  [
    ...new Set(
      items.flatMap(({ annotations: { segments = [], labels = [] } }) => [
        ...segments.map(({ label }) => label),
        ...labels,
      ]),
    ),
  ].sort();
