import { refuseStorage } from '../common/storage.js';
import type { ModelSpec } from '../model-spec.js';
import { loadMapDiffusion } from './model-folder.js';
import { OpenedMapDiffusion } from './opened.js';

/** The multi-scale 2D temporal-map diffusion model. */
export const mapDiffusionSpec: ModelSpec = {
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('map-diffusion', dtype);
    return new OpenedMapDiffusion(await loadMapDiffusion(runtime, source, options));
  },
};
