/** Data sets of videos with annotations: `tal-webgpu/datasets`. */

export type {
  Annotations,
  Caption,
  ClipFeatures,
  ClipScores,
  Signal,
  VideoDataset,
  VideoItem,
  VideoQuery,
} from './video-dataset.js';
