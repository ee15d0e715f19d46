/** Noise schedules and samplers, Gaussian and masked: `tal-webgpu/diffusion`. */

export type { DecodingProgress } from '../ops/sampling/decoding.js';
export {
  type DdimLoop,
  type DdimOptions,
  type DdimSampler,
  type Denoise,
  GaussianDiffusion,
  type GaussianDiffusionOptions,
  type SamplerOptions,
} from './gaussian.js';
export { type DecodeOptions, MaskedSampler, maskedSequences } from './masked.js';
export type { MaskedSamplerOptions } from './masked-options.js';
export { alphaBars, type BetaSchedule, betas, type DdimSpacing, ddimTimes } from './schedule.js';
export type { CachedTokenLogits, LastLayer, Pass, TokenLogits } from './token-logits.js';
export { transferCounts, type UnmaskingSchedule } from './unmasking.js';
