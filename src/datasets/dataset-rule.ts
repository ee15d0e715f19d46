import { callback, objectWith, type Rule, text } from '../arguments.js';
import type { VideoDataset } from './video-dataset.js';

/** What functions that take a data set check of it. */
export const datasetRule = objectWith<Pick<VideoDataset, 'name' | 'items'>>(
  { name: text, items: callback },
  'a data set (openDataset)',
) as Rule<VideoDataset>;
