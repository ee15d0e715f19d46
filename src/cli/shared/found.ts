import { readFile } from 'node:fs/promises';
import { writeWhole } from '../../data/files/output-file.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Predictions } from '../../models/localization-model.js';
import type { Detection, LabelledSegment } from '../../time/segment.js';
import { type FoundQueries, foundQueries } from './found-queries.js';

/** A video, or an excerpt, with what is true of it and what a model found. */
export interface FoundVideo {
  readonly duration: number;
  readonly truths: readonly LabelledSegment[];
  readonly detections: readonly Detection[];
}

/** By the id of the video. */
export type FoundActions = Readonly<Record<string, FoundVideo>>;

/** What a model found: actions of videos, or moments and highlights of queries. */
export type Found = FoundActions | FoundQueries;

export const ofActions = (found: Found): found is FoundActions =>
  Object.values(found).every((each) => 'detections' in each);

/** @throws OptionError where nothing is known of the split that the model could have found */
export function foundIn(data: VideoDataset, split: string, predictions: Predictions): Found {
  const { detections } = predictions;
  return detections ? foundActions(data, split, detections) : foundQueries(data, split, predictions);
}

/** @throws OptionError where the split has no segments */
function foundActions(
  data: VideoDataset,
  split: string,
  detections: NonNullable<Predictions['detections']>,
): FoundActions {
  const videos = data.items(split).flatMap(({ id, duration, annotations: { segments } }) => {
    if (!segments) return [];
    return [[id, { duration, truths: segments, detections: detections.get(id)! }] as const];
  });
  if (videos.every(([, { truths }]) => truths.length === 0))
    throw new OptionError(`compare: the split ${split} of ${data.name} has no labelled segments`);
  return Object.fromEntries(videos);
}

/** Undefined where the file is missing. */
export async function readFound(path: string): Promise<Found | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Found);
}

/** @throws FileAccessError */
export async function writeFound(path: string, found: Found): Promise<void> {
  await writeWhole(path, `${JSON.stringify(found)}\n`);
}
