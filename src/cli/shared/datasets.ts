import { openDataset } from '../../datasets/open-dataset.js';
import type { VideoDataset, VideoQuery } from '../../datasets/video-dataset.js';
import { worldDataset } from '../../datasets/world-dataset.js';

/** The data set that `--data` names: a folder, or `world`, the built-in one. @throws as `openDataset` */
export async function datasetOf(name: string): Promise<VideoDataset> {
  return name === 'world' ? worldDataset() : openDataset(name);
}

/** The folder that `--data` reads; none of the built-in data set. */
export const dataFolder = (name: string): string | undefined => (name === 'world' ? undefined : name);

/** The queries of a split, in the order of its videos. */
export const queriesOf = (data: VideoDataset, split: string): VideoQuery[] =>
  data.items(split).flatMap(({ annotations }) => [...(annotations.queries ?? [])]);
