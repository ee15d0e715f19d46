import { readFile } from 'node:fs/promises';
import { writeWhole } from '../../data/files/output-file.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import type { Predictions } from '../../models/localization-model.js';
import type { Detection, LabelledSegment } from '../../time/segment.js';

/** A video, or an excerpt, with what is true of it and what a model found. */
export interface FoundVideo {
  readonly duration: number;
  readonly truths: readonly LabelledSegment[];
  readonly detections: readonly Detection[];
}

/** By the id of the video. */
export type FoundActions = Readonly<Record<string, FoundVideo>>;

/** @throws OptionError where the model finds no actions, or the split has no segments */
export function foundActions(data: VideoDataset, split: string, { detections }: Predictions): FoundActions {
  if (!detections)
    throw new OptionError('compare: the model finds moments of sentences, it must find actions');
  const videos = data.items(split).flatMap(({ id, duration, annotations: { segments } }) => {
    if (!segments) return [];
    return [[id, { duration, truths: segments, detections: detections.get(id)! }] as const];
  });
  if (videos.every(([, { truths }]) => truths.length === 0))
    throw new OptionError(`compare: the split ${split} of ${data.name} has no labelled segments`);
  return Object.fromEntries(videos);
}

/** Undefined where the file is missing. */
export async function readFound(path: string): Promise<FoundActions | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as FoundActions);
}

/** @throws FileAccessError */
export async function writeFound(path: string, found: FoundActions): Promise<void> {
  await writeWhole(path, `${JSON.stringify(found)}\n`);
}
