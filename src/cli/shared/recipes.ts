import { nearest } from '../../arguments.js';
import { readJson } from '../../data/files/byte-source.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { architectureOf } from '../../models/common/architecture.js';
import type { ModelSpec } from '../../models/model-spec.js';
import type { Recipe } from '../../models/recipe.js';
import { architectures } from '../../models/registry.js';

/** A recipe with the architecture that it is of. */
export interface FoundRecipe {
  readonly spec: ModelSpec;
  readonly recipe: Recipe;
}

/**
 * The recipe of a name, or of a JSON file.
 * @throws OptionError where there is no such recipe; FileAccessError, FileFormatError
 */
export async function findRecipe(nameOrFile: string): Promise<FoundRecipe> {
  if (nameOrFile.endsWith('.json')) return readRecipe(nameOrFile);
  const all = await allRecipes();
  const found = all.get(nameOrFile);
  if (found) return found;
  const near = nearest(nameOrFile, [...all.keys()]);
  throw new OptionError(
    `there is no recipe ${JSON.stringify(nameOrFile)}${near === undefined ? '' : `, did you mean ${near}?`} ` +
      `(${[...all.keys()].join(', ')}, or a .json file)`,
  );
}

/** The name of the recipe for a data set: `NAME-DATASET` where there is one, else the name itself. */
export async function recipeNameOn(name: string, dataset: string): Promise<string> {
  const own = `${name}-${dataset.replaceAll('_', '-')}`;
  return (await allRecipes()).has(own) ? own : name;
}

/** All recipes by their names. */
export async function allRecipes(): Promise<ReadonlyMap<string, FoundRecipe>> {
  const specs = await Promise.all(Object.values(architectures).map((load) => load()));
  return new Map(
    specs.flatMap((spec) =>
      Object.entries(spec.recipes).map(([name, recipe]) => [name, { spec, recipe }] as const),
    ),
  );
}

async function readRecipe(path: string): Promise<FoundRecipe> {
  const recipe = await readJson(path);
  const name = architectureOf(recipe, path);
  const load = name !== undefined && Object.hasOwn(architectures, name) ? architectures[name] : undefined;
  if (!load) {
    throw new FileFormatError(
      `${path}: architecture is ${JSON.stringify(name)}, it must be one of ${Object.keys(architectures).join(', ')}`,
    );
  }
  return { spec: await load(), recipe: recipe as Recipe };
}

/**
 * Changes numbers of a recipe or of options, as `--set path=value` says. A value is JSON, or else a string; `undefined` takes a field
 * away.
 * @throws OptionError where a setting has no `=`, or leads through something that has no fields
 */
export function applySettings<T extends object>(value: T, settings: readonly string[]): T {
  return settings.reduce((changed, setting) => {
    const at = setting.indexOf('=');
    if (at < 1)
      throw new OptionError(
        `--set takes path=value, such as training.steps=100, not ${JSON.stringify(setting)}`,
      );
    return changedAt(changed, setting.slice(0, at).split('.'), parsed(setting.slice(at + 1)), setting) as T;
  }, value);
}

function changedAt(
  value: unknown,
  [name, ...rest]: readonly string[],
  set: unknown,
  setting: string,
): unknown {
  if (!isObject(value)) {
    throw new OptionError(
      `--set ${setting}: the path leads through ${JSON.stringify(value)}, which has no fields`,
    );
  }
  const { [name!]: old, ...others } = value;
  if (rest.length > 0) return { ...value, [name!]: changedAt(old ?? {}, rest, set, setting) };
  return set === undefined ? others : { ...value, [name!]: set };
}

function parsed(text: string): unknown {
  if (text === 'undefined') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
