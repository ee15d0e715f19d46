/** Moment localization by diffusion of IoU maps: `tal-webgpu/models/map-diffusion`. */

export type { SignalAugmentation } from '../common/signal-augmentation.js';
export type { ConvStage, SignalConfig } from '../common/signal-config.js';
export { AskedExamples, type AskedOptions } from './asked-examples.js';
export type { AskedSentence, AskedWindow } from './asked-windows.js';
export {
  type ClipConfig,
  type DecoderConfig,
  type FeaturesConfig,
  type FramesConfig,
  type MapDiffusionConfig,
  type MapDiffusionName,
  mapDiffusionConfigs,
} from './config.js';
export type { ScaleCondition } from './decoder.js';
export {
  type EmbeddedQuery,
  type MomentExample,
  type MomentExamples,
  type VideoClips,
  writeExamples,
} from './examples.js';
export type { Words } from './fusion.js';
export { type LocalizeMomentsOptions, localizeMoments } from './localize.js';
export { MapDiffusion } from './model.js';
export {
  type LoadedMapDiffusion,
  loadMapDiffusion,
  type MapDiffusionFile,
  saveMapDiffusion,
} from './model-folder.js';
export type { Condition, Corruption, MomentInputs, MomentTargets } from './operands.js';
export { type RankingOptions, rankMoments } from './ranking.js';
export type { Recognition, RecognitionConfig } from './recognition.js';
export { MomentSampler, type MomentSamplerOptions } from './sampler.js';
export { MomentTask } from './task.js';
