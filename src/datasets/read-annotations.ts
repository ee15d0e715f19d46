import type { QueryId } from '../data/formats/json-record.js';
import { FileFormatError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import type { AnnotationFiles } from './dataset-file.js';
import { filesOf } from './dataset-folder.js';
import type { FaultReport } from './fault-report.js';
import type { Layout, LayoutQuery, LayoutVideo } from './layouts/layout.js';
import { readSplitFile } from './split-file.js';
import { ALL, commonSplits, splitNames } from './splits.js';

export interface ReadAnnotations {
  /** By split, under the name that the data set's files have for it. */
  readonly bySplit: ReadonlyMap<string, readonly LayoutVideo[]>;
  /** What these splits are called here. */
  readonly names: ReadonlyMap<string, string>;
  /** Names of the classes, where the files have an order of them. */
  readonly classes: readonly string[] | undefined;
}

/**
 * Reads the annotations of a data set.
 * @throws FileAccessError, FileFormatError
 */
export async function readAnnotationFiles(
  folder: string,
  layout: Layout,
  { files, splits }: AnnotationFiles,
  report: FaultReport,
): Promise<ReadAnnotations> {
  const { join } = await nodeModule('node:path');
  const placeOf = splits === undefined ? undefined : await readSplitFile(join(folder, splits));
  const bySplit = new Map<string, LayoutVideo[]>();
  const classes = new Set<string>();
  for (const [fileSplit, template] of namedFiles(files)) {
    for (const file of await filesOf(folder, template)) {
      const content = await report.file(() => layout.read(file, report.onRefused));
      for (const name of content?.classes ?? []) classes.add(name);
      for (const video of content?.videos ?? []) {
        const place = placeOf?.get(video.id);
        // A video that the list of splits leaves out is in none.
        if (placeOf && !place) continue;
        const split = place?.split ?? fileSplit ?? video.split ?? ALL;
        const held = bySplit.get(split) ?? [];
        bySplit.set(split, held);
        held.push(place?.part === undefined ? video : { ...video, part: place.part });
      }
    }
  }
  if (bySplit.size === 0) throw new FileFormatError(`${folder}: the annotations hold no video`);
  const names = splitNames(bySplit.keys(), layout.splitNames ?? commonSplits);
  return {
    bySplit: new Map(
      [...bySplit].map(([split, videos]) => [split, withoutDuplicates(names.get(split)!, videos, report)]),
    ),
    names,
    classes: classes.size > 0 ? [...classes] : undefined,
  };
}

function namedFiles(files: AnnotationFiles['files']): (readonly [string | undefined, string])[] {
  if (typeof files === 'string') return [[undefined, files]];
  return Object.entries(files).flatMap(([split, paths]) =>
    [paths].flat().map((path) => [split, path] as const),
  );
}

/** Videos and queries that are in the split once. */
function withoutDuplicates(
  split: string,
  videos: readonly LayoutVideo[],
  report: FaultReport,
): readonly LayoutVideo[] {
  const seen = new Map<string, string>();
  const queries = new Map<QueryId, string>();
  const isNew = <Id>(
    known: Map<Id, string>,
    id: Id,
    what: string,
    { id: video, where }: LayoutVideo,
  ): boolean => {
    const earlier = known.get(id);
    if (earlier === undefined) {
      known.set(id, where);
      return true;
    }
    const message = `${where}: the ${what} ${JSON.stringify(id)} is in the split ${split} twice, first in ${earlier}`;
    report.refuse({ kind: 'duplicate', video, split, message });
    return false;
  };
  return videos.flatMap((video) => {
    if (!isNew(seen, video.id, 'video', video)) return [];
    const all = video.annotations.queries;
    const kept = all?.filter(({ id }) => isNew(queries, id, 'query', video));
    return [all && kept!.length < all.length ? withQueries(video, kept!) : video];
  });
}

const withQueries = (video: LayoutVideo, queries: readonly LayoutQuery[]): LayoutVideo => ({
  ...video,
  annotations: { ...video.annotations, queries },
});
