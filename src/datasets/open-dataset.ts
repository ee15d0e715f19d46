import { checkArgument, nearest, path as pathRule } from '../arguments.js';
import { spanWithin } from '../data/annotations/question-answer.js';
import { readDurations, type VideoDurations } from '../data/annotations/video-durations.js';
import { JsonRecord, type QueryId, readJsonRecord } from '../data/formats/json-record.js';
import { loadWordVectors } from '../data/text/words.js';
import { openVideo } from '../data/video/video.js';
import { FileFormatError, OptionError, ReleasedError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import type { Segment } from '../time/segment.js';
import { type AnnotationFiles, type DatasetFile, readDatasetFile } from './dataset-file.js';
import { type DatasetFolder, fileOf, filesOf, openFolder } from './dataset-folder.js';
import type { Layout, LayoutAnnotations, LayoutQuery, LayoutVideo } from './layouts/layout.js';
import { layouts } from './layouts/layouts.js';
import { readSplitFile } from './split-file.js';
import { ALL, commonSplits, sortedSplits, splitNames } from './splits.js';
import type { Annotations, ClipScores, VideoDataset, VideoItem, VideoQuery } from './video-dataset.js';

const DATASET_FILE = 'dataset.json';

/** Names of the layouts that `dataset.json` can name, in the order in which they are tried. */
export const datasetLayouts: readonly string[] = layouts.map(({ name }) => name);

/**
 * Opens the folder of a data set: one with a `dataset.json`, or a published one as it was distributed.
 *
 * Spans are cut to the video, as published annotations have some that end after it; what has no length then is left out.
 * @param options fields that take the place of those of `dataset.json`
 * @throws FileAccessError where a file is missing or can't be read; FileFormatError that names file, line or entry, and
 *   field, where one is not as its layout says, or where the length of a video is not known; OptionError where the
 *   folder looks like no known layout, or like several
 */
export async function openDataset(folder: string, options: DatasetFile = {}): Promise<VideoDataset> {
  checkArgument('openDataset', 'folder', folder, pathRule);
  const given = checkedOptions(options);
  const listing = await openFolder(folder);
  const description = { ...(await describe(listing, given)), ...given };
  const { basename, resolve } = await nodeModule('node:path');
  const annotations = description.annotations ?? { layout: 'tal', files: 'annotations.json' };
  const layout = layouts.find(({ name }) => name === annotations.layout)!;
  const read = await readVideos(folder, layout, annotations);
  return makeDataset(folder, description.name ?? basename(resolve(folder)), description, layout, read);
}

function checkedOptions(options: unknown): DatasetFile {
  try {
    return readDatasetFile(new JsonRecord(options, 'openDataset: options'), datasetLayouts);
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
  const tried = given.annotations
    ? layouts.filter(({ name }) => name === given.annotations!.layout)
    : layouts;
  const found: [string, DatasetFile][] = [];
  for (const layout of tried) {
    const description = await layout.looksLike(folder);
    if (description) found.push([layout.name, description]);
  }
  const [first, ...others] = found;
  if (others.length > 0) {
    throw new OptionError(
      `openDataset: ${folder.path} looks like ${found.map(([name]) => name).join(' and ')}: ` +
        `say which in a ${DATASET_FILE}`,
    );
  }
  if (first) return first[1];
  if (given.annotations) return {};
  throw new OptionError(
    `openDataset: ${folder.path} has no ${DATASET_FILE} and looks like none of ${datasetLayouts.join(', ')}; it holds ` +
      `${folder.names.slice(0, 8).join(', ') || 'nothing'}${folder.names.length > 8 ? ', …' : ''}`,
  );
}

interface ReadVideos {
  /** By split, under the name that the data set's files have for it. */
  readonly bySplit: ReadonlyMap<string, readonly LayoutVideo[]>;
  readonly classes: readonly string[] | undefined;
}

async function readVideos(folder: string, layout: Layout, annotations: AnnotationFiles): Promise<ReadVideos> {
  const { join } = await nodeModule('node:path');
  const { files } = annotations;
  const splitOf =
    annotations.splits === undefined ? undefined : await readSplitFile(join(folder, annotations.splits));
  const named: readonly (readonly [string | undefined, string])[] =
    typeof files === 'string'
      ? [[undefined, files]]
      : Object.entries(files).flatMap(([split, paths]) =>
          [paths].flat().map((path) => [split, path] as const),
        );
  const bySplit = new Map<string, LayoutVideo[]>();
  const classes = new Set<string>();
  for (const [fileSplit, template] of named) {
    for (const file of await filesOf(folder, template)) {
      const { videos, classes: known = [] } = await layout.read(file);
      for (const name of known) classes.add(name);
      for (const video of videos) {
        const place = splitOf?.get(video.id);
        // A video that the list of splits leaves out is in none.
        if (splitOf && !place) continue;
        const split = place?.split ?? fileSplit ?? video.split ?? ALL;
        const held = bySplit.get(split) ?? [];
        bySplit.set(split, held);
        held.push(place?.part === undefined ? video : { ...video, part: place.part });
      }
    }
  }
  for (const [split, videos] of bySplit) checkIds(split, videos);
  if (bySplit.size === 0) throw new FileFormatError(`${folder}: the annotations hold no video`);
  return { bySplit, classes: classes.size > 0 ? [...classes] : undefined };
}

function checkIds(split: string, videos: readonly LayoutVideo[]): void {
  const seen = new Map<string, LayoutVideo>();
  const queries = new Map<QueryId, LayoutVideo>();
  for (const video of videos) {
    const earlier = seen.get(video.id);
    if (earlier)
      throw new FileFormatError(
        `${video.where}: the video ${JSON.stringify(video.id)} is in the split ${split} twice, first in ${earlier.where}`,
      );
    seen.set(video.id, video);
    for (const { id } of video.annotations.queries ?? []) {
      const other = queries.get(id);
      if (other)
        throw new FileFormatError(
          `${video.where}: the query ${JSON.stringify(id)} is in the split ${split} twice, first in ${other.where}`,
        );
      queries.set(id, video);
    }
  }
}

async function makeDataset(
  folder: string,
  name: string,
  { annotations, videos: videoFiles, words, classes: wantedClasses }: DatasetFile,
  layout: Layout,
  { bySplit, classes: layoutClasses }: ReadVideos,
): Promise<VideoDataset> {
  const { join } = await nodeModule('node:path');
  const durations =
    annotations?.durations === undefined
      ? undefined
      : await readDurations(join(folder, annotations.durations));
  let closed = false;
  const whileOpen =
    <T>(read: () => Promise<T>) =>
    async (): Promise<T> => {
      if (closed) throw new ReleasedError(`The data set ${name} is closed`);
      return read();
    };
  const videoOf = (id: string) => async () => openVideo(await fileOf(folder, videoFiles!, id));

  const itemOf = async (video: LayoutVideo): Promise<VideoItem> => {
    const { id, signal } = video;
    const duration = await durationOf(video, durations, videoFiles === undefined ? undefined : videoOf(id));
    return {
      id,
      duration,
      annotations: cut(video.annotations, duration),
      ...(videoFiles !== undefined && { video: whileOpen(videoOf(id)) }),
      ...(signal && { signal: whileOpen(signal) }),
    };
  };

  const names = splitNames(bySplit.keys(), layout.splitNames ?? commonSplits);
  const items = new Map<string, readonly VideoItem[]>();
  const parts = new Map<string, VideoItem[]>();
  for (const [own, videos] of bySplit) {
    const split = names.get(own)!;
    const made: VideoItem[] = [];
    for (const video of videos) {
      const item = await itemOf(video);
      made.push(item);
      if (video.part === undefined) continue;
      for (const part of new Set([`${video.part}/${split}`, `${video.part}/${own}`]))
        parts.set(part, [...(parts.get(part) ?? []), item]);
    }
    items.set(split, [...(items.get(split) ?? []), ...made]);
  }
  const splits = sortedSplits([...items.keys()]);
  const classes = classesOf(wantedClasses ?? layoutClasses, bySplit);
  return {
    name,
    classes,
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
    ...(words !== undefined && { words: whileOpen(() => loadWordVectors(join(folder, words))) }),
    async close() {
      closed = true;
    },
  };
}

async function durationOf(
  video: LayoutVideo,
  durations: VideoDurations | undefined,
  openIt: (() => ReturnType<typeof openVideo>) | undefined,
): Promise<number> {
  const known = video.duration ?? durations?.of(video.id);
  if (known !== undefined) return known;
  if (openIt) {
    const opened = await openIt();
    try {
      return opened.duration;
    } finally {
      await opened.close();
    }
  }
  throw new FileFormatError(
    `${video.where}: the length of ${JSON.stringify(video.id)} is not known: ` +
      `${durations ? `${durations.path} lacks it` : 'name a file of durations, or the videos, in dataset.json'}`,
  );
}

/** The classes in their order: those that are given, or else all labels, sorted. */
function classesOf(
  given: readonly string[] | undefined,
  bySplit: ReadonlyMap<string, readonly LayoutVideo[]>,
): readonly string[] {
  const known = new Set(given);
  const labels = new Set<string>();
  for (const { where, annotations } of [...bySplit.values()].flat()) {
    for (const label of [
      ...(annotations.segments ?? []).map(({ label }) => label),
      ...(annotations.labels ?? []),
    ]) {
      if (given && !known.has(label))
        throw new FileFormatError(`${where}: the label ${JSON.stringify(label)} is none of the classes`);
      labels.add(label);
    }
  }
  return given ?? [...labels].sort();
}

/** Annotations with all spans within the video. */
function cut(annotations: LayoutAnnotations, duration: number): Annotations {
  const { segments, captions, queries, clipScores, labels } = annotations;
  const kept = <T extends { readonly segment: Segment }>(all: readonly T[]): T[] =>
    all.flatMap((one) => {
      const segment = spanWithin(...one.segment, duration);
      return segment ? [{ ...one, segment }] : [];
    });
  return {
    ...(segments && { segments: kept(segments) }),
    ...(queries && { queries: queries.flatMap((query) => cutQuery(query, duration)) }),
    ...(captions && { captions: kept(captions) }),
    ...(clipScores && { clipScores: cutScores(clipScores, duration) }),
    ...(labels && { labels }),
  };
}

function cutQuery(query: LayoutQuery, duration: number): VideoQuery[] {
  const excerpt = spanWithin(...(query.excerpt ?? [0, duration]), duration);
  if (!excerpt) return [];
  const length = excerpt[1] - excerpt[0];
  const windows = query.windows.flatMap(
    (window) => spanWithin(...window, length) ?? [],
  ) as unknown as Segment[];
  if (query.windows.length > 0 && windows.length === 0) return [];
  const saliency = query.saliency && cutScores(query.saliency, length);
  return [{ ...query, kind: query.kind ?? '', excerpt, windows, ...(saliency && { saliency }) }];
}

function cutScores({ clips, scores }: ClipScores, duration: number): ClipScores {
  const within = clips.map((clip) => spanWithin(...clip, duration));
  return {
    clips: within.filter((clip) => clip !== undefined),
    scores: scores.map((row) => row.filter((_, i) => within[i] !== undefined)),
  };
}
