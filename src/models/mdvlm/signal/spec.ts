import { refuseStorage } from '../../common/storage.js';
import type { ModelSpec } from '../../model-spec.js';
import { OpenedSignalMdvlm } from './opened.js';
import { loadSignalMdvlm } from './signal-folder.js';
import { checkSignalRecipe, prepareQuestions, signalRecipes } from './training.js';

/** MDVLM-TAL on recorded signals: a small masked-diffusion model that answers with two times (ours). */
export const signalMdvlmSpec: ModelSpec = {
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('signal-mdvlm', dtype);
    return new OpenedSignalMdvlm(await loadSignalMdvlm(runtime, source, options));
  },
  recipes: signalRecipes,
  checkRecipe: checkSignalRecipe,
  prepare: (runtime, recipe, inputs) => prepareQuestions(runtime, checkSignalRecipe(recipe), inputs),
};
