import { checkArgument } from '../../arguments.js';
import { refuseStorage } from '../common/storage.js';
import type { ModelSpec } from '../model-spec.js';
import type { Recipe } from '../recipe.js';
import { checkConfig } from './config.js';
import { loadMapDiffusion } from './model-folder.js';
import { OpenedMapDiffusion } from './opened.js';
import { type MomentRecipe, momentRecipeRule, momentRecipes, prepareMoments } from './training.js';

/** The multi-scale 2D temporal-map diffusion model. */
export const mapDiffusionSpec: ModelSpec = {
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('map-diffusion', dtype);
    return new OpenedMapDiffusion(await loadMapDiffusion(runtime, source, options));
  },
  recipes: momentRecipes,
  checkRecipe,
  prepare: (runtime, recipe, inputs) => {
    checkRecipe(recipe);
    return prepareMoments(runtime, recipe as MomentRecipe, inputs);
  },
};

function checkRecipe(recipe: Recipe): void {
  checkArgument('train', 'recipe', recipe, momentRecipeRule);
  checkConfig(recipe.model);
}
