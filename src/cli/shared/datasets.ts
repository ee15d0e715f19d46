import { openDataset } from '../../datasets/open-dataset.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { worldDataset } from '../../datasets/world-dataset.js';

/** The data set that `--data` names: a folder, or `world`, the built-in one. @throws as `openDataset` */
export async function datasetOf(name: string): Promise<VideoDataset> {
  return name === 'world' ? worldDataset() : openDataset(name);
}
