import { refuseStorage } from '../common/storage.js';
import type { ModelSpec } from '../model-spec.js';
import { OpenedWtal } from './opened.js';
import { wtalRecipes } from './recipes.js';
import { checkWtalRecipe, prepareWtal } from './training.js';
import { loadWtal } from './wtal-folder.js';

/** Weakly supervised localization: CO2-Net, DELU, and what is built on them. */
export const wtalSpec: ModelSpec = {
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('wtal', dtype);
    return new OpenedWtal(await loadWtal(runtime, source, options));
  },
  recipes: wtalRecipes,
  checkRecipe: (recipe) => void checkWtalRecipe(recipe),
  prepare: async (runtime, recipe, inputs) => prepareWtal(runtime, checkWtalRecipe(recipe), inputs),
};
