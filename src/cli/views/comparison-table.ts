import { evaluateDetection } from '../../evaluation/detection.js';
import { extentErrors } from '../../evaluation/extent-errors.js';
import { trivialSegments } from '../../evaluation/trivial-segments.js';
import type { Detection } from '../../time/segment.js';
import type { FoundActions, FoundVideo } from '../shared/found.js';
import { markdownTable } from './markdown-table.js';

/** A row with what was found by each seed. */
export interface ComparedResults {
  readonly name: string;
  readonly seeds: readonly FoundActions[];
}

type Numbers = Readonly<Record<string, number>>;

/**
 * A Markdown table in per cent: of each row the mean over its seeds, and the lowest and the highest. Below stand the
 * trivial baselines, with the classes that the first row predicts and with the true ones.
 * @param thresholds temporal IoU
 */
export function comparisonTable(rows: readonly ComparedResults[], thresholds: readonly number[]): string {
  const [first] = rows;
  const baselines = [1, 4].flatMap((parts): ComparedResults[] => {
    const what = parts === 1 ? 'whole video' : 'whole, halves, thirds and quarters';
    const trivial = (classesOf: (video: FoundVideo) => readonly Detection[]) =>
      first!.seeds.map((found) => trivially(found, classesOf, parts));
    return [
      { name: `${what}, classes of ${first!.name}`, seeds: trivial(({ detections }) => detections) },
      { name: `${what}, true classes`, seeds: trivial(({ truths }) => truths.map(certain)).slice(0, 1) },
    ];
  });
  const all = [...rows, ...baselines].map(({ name, seeds }) => ({
    name,
    numbers: seeds.map((found) => numbersOf(found, thresholds)),
  }));
  return markdownTable(all);
}

const certain = ({ label, segment }: { label: string; segment: Detection['segment'] }): Detection => ({
  ...{ label, segment, score: 0 },
});

/** The trivial segments of each video, for classes that score what their best detection does. */
function trivially(
  found: FoundActions,
  classesOf: (video: FoundVideo) => readonly Detection[],
  parts: number,
): FoundActions {
  const ofVideo = (video: FoundVideo): FoundVideo => {
    const best = new Map<string, number>();
    for (const { label, score } of classesOf(video))
      best.set(label, Math.max(score, best.get(label) ?? -Infinity));
    // Scores may be below 0, and those of parts are shares of them.
    const classes = [...best].map(([label, score]) => ({ label, score: Math.exp(score) }));
    return { ...video, detections: trivialSegments(classes, video.duration, parts) };
  };
  return Object.fromEntries(Object.entries(found).map(([id, video]) => [id, ofVideo(video)]));
}

/** In per cent. */
function numbersOf(found: FoundActions, thresholds: readonly number[]): Numbers {
  const videos = Object.entries(found);
  const truths = new Map(videos.map(([id, video]) => [id, video.truths]));
  const detections = new Map(videos.map(([id, video]) => [id, video.detections]));
  const { metrics } = evaluateDetection(detections, truths, thresholds);
  const { truths: count, missed, incomplete, overComplete } = extentErrors(detections, truths);
  const shares = { ...metrics, missed: missed / count, incomplete: incomplete / count };
  return Object.fromEntries(
    Object.entries({ ...shares, 'over-complete': overComplete / count }).map(([name, share]) => [
      name,
      100 * share,
    ]),
  );
}
