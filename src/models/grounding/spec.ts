import { refuseStorage } from '../common/storage.js';
import type { ModelSpec } from '../model-spec.js';
import { loadGrounding } from './folder.js';
import { OpenedGrounding } from './opened.js';
import { groundingRecipes } from './recipes.js';
import { checkGroundingRecipe, prepareGrounding } from './training.js';

/** Moments and highlights by a text: CG-DETR, QD-DETR and Moment-DETR. */
export const groundingSpec: ModelSpec = {
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('cg-detr', dtype);
    return new OpenedGrounding(await loadGrounding(runtime, source, options));
  },
  recipes: groundingRecipes,
  checkRecipe: (recipe) => void checkGroundingRecipe(recipe),
  prepare: async (runtime, recipe, inputs) => prepareGrounding(runtime, checkGroundingRecipe(recipe), inputs),
};
