import { noTraining } from '../../common/no-training.js';
import type { ModelSpec } from '../../model-spec.js';
import { OpenedVideoMdvlm } from './opened.js';
import { loadVideoMdvlm } from './video-folder.js';

/** MDVLM-TAL: a masked-diffusion vision-language model of LLaDA-V's form. */
export const videoMdvlmSpec: ModelSpec = {
  ...noTraining('llada-v'),
  async open(runtime, source, { dtype: weights = 'f32', ...options }) {
    return new OpenedVideoMdvlm(await loadVideoMdvlm(runtime, source, { weights, ...options }));
  },
};
