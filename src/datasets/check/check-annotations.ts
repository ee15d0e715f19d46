import type { WordVectors } from '../../data/text/words.js';
import { wordsOf } from '../../data/text/words.js';
import type { DatasetFault, OnFault } from '../fault.js';
import type { VideoDataset, VideoItem } from '../video-dataset.js';
import { type ClassSummary, labelsOf } from './dataset-summary.js';

/** Names that a message lists of many. */
const LISTED = 8;

const listed = (names: readonly string[]): string =>
  names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');

/** Segments that a video has twice, and queries without words. */
export function checkItem({ id, annotations }: VideoItem, split: string, onFault: OnFault): void {
  const fault = (kind: DatasetFault['kind'], message: string) =>
    onFault({ kind, video: id, split, message: `${id}: ${message}` });
  const seen = new Set<string>();
  for (const { label, segment } of annotations.segments ?? []) {
    const key = `${label} [${segment.join(', ')}]`;
    if (seen.has(key)) fault('duplicate', `the segment ${key} is there twice`);
    seen.add(key);
  }
  for (const query of annotations.queries ?? [])
    if (wordsOf(query.text).length === 0)
      fault('query', `the query ${query.id} has no words: ${JSON.stringify(query.text)}`);
}

/** Videos that are in two splits: what a model is tested on must not be what it was trained on. */
export function checkSplits(dataset: VideoDataset, onFault: OnFault): void {
  const ids = new Map(
    dataset.splits.map((split) => [split, new Set(dataset.items(split).map(({ id }) => id))]),
  );
  for (const [i, split] of dataset.splits.entries()) {
    for (const other of dataset.splits.slice(i + 1)) {
      const shared = [...ids.get(split)!].filter((id) => ids.get(other)!.has(id));
      if (shared.length === 0) continue;
      const what = shared.length === 1 ? 'the video is' : `${shared.length} videos are`;
      onFault({
        kind: 'duplicate',
        ...(shared.length === 1 && { video: shared[0]! }),
        message: `${listed(shared)}: ${what} in ${split} and in ${other}`,
      });
    }
  }
}

/** Classes that some splits with labels lack. */
export function checkClasses(
  dataset: VideoDataset,
  classes: readonly ClassSummary[],
  onFault: OnFault,
): void {
  const labelled = dataset.splits.filter((split) =>
    dataset.items(split).some((item) => labelsOf(item).length > 0),
  );
  if (labelled.length === 0) return;
  for (const { label, bySplit } of classes) {
    const within = labelled.filter((split) => bySplit[split]! > 0);
    if (within.length === 0)
      onFault({ kind: 'class', message: `the class ${label} has no segment and no video` });
    else if (within.length === 1 && labelled.length > 1) {
      const split = within[0]!;
      const video = dataset.items(split).find((item) => labelsOf(item).includes(label))!;
      onFault({
        kind: 'class',
        split,
        message: `the class ${label} is in ${split} only, first in ${video.id}: ${bySplit[split]} there, none in ${labelled.filter((other) => other !== split).join(', ')}`,
      });
    }
  }
}

/** Words of queries that have no vector, each told once, with where it first stands. */
export function checkWords(dataset: VideoDataset, words: WordVectors, onFault: OnFault): void {
  const unknown = new Map<string, { count: number; video: string; split: string; query: string }>();
  for (const split of dataset.splits) {
    for (const { id, annotations } of dataset.items(split)) {
      for (const query of annotations.queries ?? []) {
        for (const word of new Set(wordsOf(query.text))) {
          if (words.has(word)) continue;
          const known = unknown.get(word) ?? { count: 0, video: id, split, query: String(query.id) };
          known.count++;
          unknown.set(word, known);
        }
      }
    }
  }
  for (const [word, { count, video, split, query }] of unknown) {
    const more = count === 1 ? '' : `, as of ${count - 1} more`;
    onFault({
      kind: 'words',
      video,
      split,
      message: `${video}: the word ${JSON.stringify(word)} of query ${query} has no vector${more}`,
    });
  }
}
