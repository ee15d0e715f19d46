/** Data sets of videos with annotations: `tal-webgpu/datasets`. */

export type { AnnotationFiles, DatasetFile, SplitFiles } from './dataset-file.js';
export type { DatasetFault, FaultKind, OnFault } from './fault.js';
export type {
  FeaturePart,
  FeatureSource,
  FeatureTiming,
  FramesTiming,
  SecondsTiming,
} from './features/feature-source.js';
export { type ImportedSplit, type ImportHaptOptions, importHapt } from './hapt/import-hapt.js';
export { datasetLayouts, type OpenDatasetOptions, openDataset } from './open-dataset.js';
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
export { worldDataset } from './world-dataset.js';
export { writeElan } from './write-elan.js';
export { writeVia } from './write-via.js';
export type { WrittenVideo } from './written-video.js';
