/** Data sets of videos with annotations: `tal-webgpu/datasets`. */

export { type InputOptions, type InputSource, openInput, type VideoInput } from './open-input.js';
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
