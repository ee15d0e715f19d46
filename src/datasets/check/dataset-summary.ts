import type { VideoDataset, VideoItem } from '../video-dataset.js';

/** Lengths in seconds. */
export interface LengthSummary {
  readonly count: number;
  readonly total: number;
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** What a split holds. */
export interface SplitSummary {
  readonly split: string;
  readonly videos: LengthSummary;
  readonly segments: LengthSummary;
  readonly queries: number;
  /** Moments of the queries. */
  readonly moments: LengthSummary;
  readonly captions: number;
}

/** How often a class occurs, by split: segments of it, or videos where the whole video is labelled. */
export interface ClassSummary {
  readonly label: string;
  readonly bySplit: Readonly<Record<string, number>>;
}

export interface DatasetSummary {
  readonly splits: readonly SplitSummary[];
  readonly classes: readonly ClassSummary[];
}

/** Counts videos, annotations and classes. */
export function summarize(dataset: VideoDataset): DatasetSummary {
  const items = new Map(dataset.splits.map((split) => [split, dataset.items(split)]));
  return {
    splits: [...items].map(([split, of]) => summarizeSplit(split, of)),
    classes: classTable(dataset.classes, items),
  };
}

function summarizeSplit(split: string, items: readonly VideoItem[]): SplitSummary {
  const lengths = (spans: readonly (readonly [number, number])[]) =>
    lengthSummary(spans.map(([start, end]) => end - start));
  const queries = items.flatMap(({ annotations }) => annotations.queries ?? []);
  return {
    split,
    videos: lengthSummary(items.map(({ duration }) => duration)),
    segments: lengths(
      items.flatMap(({ annotations }) => (annotations.segments ?? []).map(({ segment }) => segment)),
    ),
    queries: queries.length,
    moments: lengths(queries.flatMap(({ windows }) => windows)),
    captions: items.reduce((sum, { annotations }) => sum + (annotations.captions?.length ?? 0), 0),
  };
}

function lengthSummary(lengths: readonly number[]): LengthSummary {
  const sorted = [...lengths].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return {
    count: sorted.length,
    total: sorted.reduce((sum, length) => sum + length, 0),
    least: sorted[0] ?? 0,
    median: ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2,
    most: sorted.at(-1) ?? 0,
  };
}

/** The labels of a video: one for each segment, or those of the whole video. */
export const labelsOf = ({ annotations: { segments, labels } }: VideoItem): readonly string[] =>
  segments?.length ? segments.map(({ label }) => label) : (labels ?? []);

function classTable(
  classes: readonly string[],
  items: ReadonlyMap<string, readonly VideoItem[]>,
): readonly ClassSummary[] {
  const counts = new Map(classes.map((label) => [label, new Map<string, number>()]));
  for (const [split, of] of items) {
    for (const label of of.flatMap(labelsOf)) {
      const row = counts.get(label);
      row?.set(split, (row.get(split) ?? 0) + 1);
    }
  }
  return [...counts].map(([label, row]) => ({
    label,
    bySplit: Object.fromEntries([...items.keys()].map((split) => [split, row.get(split) ?? 0])),
  }));
}
