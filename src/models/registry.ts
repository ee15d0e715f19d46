import type { ModelSpec } from './model-spec.js';

/** The architectures by the name that `config.json` has, a line each. Their code is loaded with their first model. */
export const architectures: Readonly<Record<string, () => Promise<ModelSpec>>> = {
  'map-diffusion': async () => (await import('./map-diffusion/spec.js')).mapDiffusionSpec,
  // LLaDA-V's configurations are in Hugging Face's form, which does not have our key.
  'llada-v': async () => (await import('./mdvlm/video/spec.js')).videoMdvlmSpec,
  'signal-mdvlm': async () => (await import('./mdvlm/signal/spec.js')).signalMdvlmSpec,
  'cg-detr': async () => (await import('./grounding/spec.js')).groundingSpec,
  wtal: async () => (await import('./wtal/spec.js')).wtalSpec,
  cmcs: async () => (await import('./wtal/cmcs-spec.js')).cmcsSpec,
};
