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
export {
  type CachedTokenLogits,
  type DecodeOptions,
  type LastLayer,
  MaskedSampler,
  type MaskedSamplerOptions,
  maskedSequences,
  type Pass,
  type TokenLogits,
} from './masked.js';
export { alphaBars, type BetaSchedule, betas, type DdimSpacing, ddimTimes } from './schedule.js';
export { transferCounts, type UnmaskingSchedule } from './unmasking.js';
