/** Moments and highlights by a text, CG-DETR and its relatives: `tal-webgpu/models/cg-detr`. */

export { CgDetr, type CgDetrOutputs, type CgDetrTrainingOutputs } from './cg-detr/cg-detr.js';
export {
  type AdaptiveInteraction,
  type CgDetrConfig,
  type CgDetrSizes,
  type CrossInteraction,
  cgDetrConfigs,
  type JointInteraction,
} from './cg-detr/config.js';
export type { Aligned } from './cg-detr/moment-alignment.js';
export {
  type CgDetrObjective,
  type CgDetrTargets,
  cgDetrLosses,
  cgDetrObjectives,
  type PriorTargets,
} from './cg-detr/objective.js';
export type { GroundingOperands } from './cg-detr/operands.js';
export { type FeatureClips, type GroundingConfig, groundingConfigs, type TextConfig } from './config.js';
export { type GroundingFile, type LoadedGrounding, loadGrounding, saveGrounding } from './folder.js';
export { GroundingNetwork } from './grounding-network.js';
export type { SpanWeights } from './losses/match-spans.js';
export type { CaptionedClips } from './losses/relation-alignment.js';
export type { DescribedEvents } from './losses/semantic-alignment.js';
export type { RetrievedCodes } from './masra/codebook.js';
export type { MasraConfig } from './masra/config.js';
export { type GroundedVideo, ground, type MomentTiming, momentsOf } from './read-moments.js';
