import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { JsonRecord, readJsonObjects } from '../../data/formats/json-record.js';

/** A row of a comparison: a model, how it is trained, and how it is asked. */
export interface ComparedRow {
  readonly name: string;
  /** Name of a recipe, or a .json file. */
  readonly recipe: string;
  /** Changes of the recipe, `path=value`. */
  readonly set: readonly string[];
  /** Changes of the model's own options when it is asked, `path=value`; rows that differ in them alone share a training. */
  readonly options: readonly string[];
}

/**
 * The rows of a JSON list, or of JSON lines.
 * @throws FileAccessError, FileFormatError where a field is missing, unknown or of another type, or a name comes twice
 */
export async function readRows(path: string): Promise<ComparedRow[]> {
  const rows = (await readJsonObjects(path)).map(rowOf);
  const twice = rows.findIndex(({ name }, i) => rows.findIndex((other) => other.name === name) < i);
  if (twice >= 0) throw new JsonRecord({}, path).error(`two rows have the name ${rows[twice]!.name}`);
  if (rows.length === 0) throw new JsonRecord({}, path).error('no row is in it');
  return rows;
}

function rowOf(record: JsonRecord): ComparedRow {
  record.checkNames('name', 'recipe', 'set', 'options');
  const settings = (name: string) => (record.has(name) ? record.texts(name) : []);
  return {
    name: record.text('name'),
    recipe: record.text('recipe'),
    set: settings('set'),
    options: settings('options'),
  };
}

/** A training of a row: one seed, on one fold where there are folds. */
export interface ComparedRun {
  readonly row: ComparedRow;
  readonly seed: number;
  readonly fold?: number;
}

/** The folder of a training, and the file of what its model found in a split. */
export function placesOf(
  out: string,
  { row: { recipe, set, options }, seed, fold }: ComparedRun,
  split: string,
): { readonly model: string; readonly found: string } {
  const name = basename(recipe, '.json') + tagOf(set);
  const model = join(out, name, `seed-${seed}${fold === undefined ? '' : `-fold-${fold + 1}`}`);
  return { model, found: join(model, `found-${split.replaceAll('/', '-')}${tagOf(options)}.json`) };
}

/** A few characters that stand for settings; nothing where there are none. */
function tagOf(settings: readonly string[]): string {
  if (settings.length === 0) return '';
  return `-${createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8)}`;
}
