import { OptionError } from '../../errors.js';
import type { ModelSpec } from '../model-spec.js';

/** The part of a spec for models that can be opened but not trained here. */
export function noTraining(architecture: string): Pick<ModelSpec, 'recipes' | 'checkRecipe' | 'prepare'> {
  const refuse = (): never => {
    throw new OptionError(`train: a ${architecture} model can't be trained here`);
  };
  return { recipes: {}, checkRecipe: refuse, prepare: refuse };
}
