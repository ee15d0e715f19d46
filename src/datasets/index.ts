/** Data sets of videos with annotations: `tal-webgpu/datasets`. */

export { type CheckDatasetOptions, checkDataset, type DatasetReport } from './check/check-dataset.js';
export type { FeatureSummary } from './check/check-features.js';
export type { ClassSummary, DatasetSummary, LengthSummary, SplitSummary } from './check/dataset-summary.js';
export type { AnnotationFiles, DatasetFile, SplitFiles } from './dataset-file.js';
export { excerptsOf } from './excerpts.js';
export type { DatasetFault, FaultKind, OnFault } from './fault.js';
export type { FeatureVideo } from './features/clip-timing.js';
export type {
  FeaturePart,
  FeatureSource,
  FeatureTiming,
  FramesTiming,
  SecondsTiming,
} from './features/feature-source.js';
export { type FeatureStore, openFeatures } from './features/open-features.js';
export { type ImportedSplit, type ImportHaptOptions, importHapt } from './hapt/import-hapt.js';
export { datasetLayouts, type OpenDatasetOptions, openDataset } from './open-dataset.js';
export {
  type BlobLike,
  type InputOptions,
  type InputSource,
  openInput,
  type VideoInput,
} from './open-input.js';
export type { DescribedSpan, PriorEmbeddings, Priors, VideoPriors } from './priors/priors.js';
export { openPriors } from './priors/read-priors.js';
export { cropRows, padRows } from './sampling/crop-rows.js';
export type { Draw } from './sampling/draw.js';
export { loadItems } from './sampling/load-items.js';
export { normalizeRows } from './sampling/normalize-rows.js';
export { binRows, resampleRows } from './sampling/resample-rows.js';
export type { MaybeSampled, SampledClips } from './sampling/sampled-clips.js';
export { withEndpoints } from './sampling/with-endpoints.js';
export type {
  Annotations,
  Caption,
  ClipFeatures,
  ClipScores,
  HighlightBenchmark,
  Signal,
  StoredFeatures,
  VideoDataset,
  VideoItem,
  VideoQuery,
} from './video-dataset.js';
export { worldDataset } from './world-dataset.js';
export { writeElan } from './write-elan.js';
export { writeVia } from './write-via.js';
export type { WrittenVideo } from './written-video.js';
