import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { writeWhole } from '../../data/files/output-file.js';
import { foldsOf } from '../../datasets/folds.js';
import type { VideoDataset } from '../../datasets/video-dataset.js';
import { OptionError } from '../../errors.js';
import { evenlySpaced } from '../../evaluation/average-precision.js';
import { given } from '../../tensor/given.js';
import { thresholds, whole } from '../options/arguments.js';
import { type ComparedRun, placesOf, readRows } from '../shared/compared-rows.js';
import { dataFolder, datasetOf } from '../shared/datasets.js';
import { type Found, foundIn, ofActions, readFound, writeFound } from '../shared/found.js';
import { checkOutputFolder } from '../shared/outputs.js';
import { type ComparedResults, comparisonTable } from '../views/comparison-table.js';
import { type QueryResults, queryTable } from '../views/query-table.js';
import { predicted } from './evaluate-model.js';
import { recipeFor, trainOn } from './train.js';

interface CompareOptions {
  readonly data: string;
  readonly out: string;
  readonly words?: string;
  readonly split?: string;
  readonly seeds?: readonly number[];
  readonly thresholds: readonly number[];
  readonly folds?: number;
  readonly of?: readonly string[];
  readonly group?: RegExp;
}

/** `tal compare`: trains and evaluates the rows of a table, each with several seeds, and prints them beside each other. */
export function addCompare(program: Command): void {
  program
    .command('compare')
    .description(
      'Train models, with several seeds each, and print how well they find actions, moments or highlights beside trivial baselines. ' +
        'Interrupt it at will: what is in the folder is not done again',
    )
    .summary('Train and evaluate the rows of a table')
    .argument(
      '<rows>',
      'a JSON list of {"name", "recipe", "set": ["training.steps=100"], "options": ["sampling.steps=5"]}; set changes the ' +
        "recipe, options are the model's own when it is evaluated; both may be left out",
    )
    .requiredOption('--data <dataset>', 'a folder (see the guide on data sets)')
    .requiredOption('--out <folder>', 'where the trainings, what they found, and table.md go')
    .option('--words <file>', 'word vectors (default: those of the data set, or GloVe of this package)')
    .option('--split <name>', 'what is evaluated; default: validation')
    .option('--seeds <n...>', 'of the trainings (default: 1 2 3)', collected(whole(0)))
    .option(
      '--thresholds <first:step:last>',
      'temporal IoU of actions (default: 0.1:0.1:0.7)',
      thresholds,
      evenlySpaced(0.1, 0.7, 7),
    )
    .option(
      '--folds <n>',
      'cross-validation: each row is trained once for each fold and evaluated on the others',
      whole(2),
    )
    .option(
      '--of <split...>',
      'whose videos the folds are of (default: all)',
      collected((name) => name),
    )
    .option(
      '--group <pattern>',
      'a regular expression: videos in whose ids it finds the same are in one fold, such as user[0-9]+',
      pattern,
    )
    .action(compare);
}

const collected =
  <T>(read: (text: string) => T) =>
  (text: string, earlier: readonly T[] = []): readonly T[] => [...earlier, read(text)];

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new InvalidArgumentError('It must be a regular expression.');
  }
}

async function compare(file: string, options: CompareOptions): Promise<void> {
  const { out, words, folds: count, of, group, split: wanted, seeds = [1, 2, 3] } = options;
  if (count === undefined && (of !== undefined || group !== undefined))
    throw new OptionError('--of and --group go with --folds');
  if (count !== undefined && wanted !== undefined)
    throw new OptionError(
      '--split goes without --folds: a fold is evaluated on the videos that it is not trained on',
    );
  const rows = await readRows(file);
  for (const row of rows) await recipeFor(row.recipe, { set: row.set });
  const inputs = { '<rows>': file, '--data': dataFolder(options.data), '--words': words };
  await checkOutputFolder(out, ['table.md'], inputs);
  const data = await datasetOf(options.data);
  try {
    const groupOf = group && ((id: string) => group.exec(id)?.[0] ?? id);
    const folds = count === undefined ? undefined : foldsOf(data, count, given({ splits: of, groupOf }));
    const split = folds ? 'test' : (wanted ?? 'validation');
    // A split that is not there is told before the training.
    (folds?.[0] ?? data).items(split);
    const results = rows.map(({ name }) => ({ name, seeds: [] as Found[] }));
    for (const seed of seeds) {
      for (const [i, row] of rows.entries()) {
        const parts: Found[] = [];
        for (const [fold, part] of (folds ?? [data]).entries()) {
          const run = { row, seed, ...(folds && { fold }) };
          console.log(`\n${row.name}, seed ${seed}${folds ? `, ${part.name}` : ''}`);
          parts.push(await foundBy(run, { data: part, split, out, words }));
        }
        results[i]!.seeds.push(Object.assign({}, ...parts));
      }
      // So that there is a table before the last seed is done.
      await writeWhole(join(out, 'table.md'), `${tableOf(results, options.thresholds)}\n`);
    }
    console.log(`\n${tableOf(results, options.thresholds)}`);
  } finally {
    await data.close();
  }
}

interface Results {
  readonly name: string;
  readonly seeds: readonly Found[];
}

/** @throws OptionError where some rows find actions, and others moments */
function tableOf(rows: readonly Results[], at: readonly number[]): string {
  const kinds = rows.map(({ seeds }) => seeds.every(ofActions));
  if (kinds.every(Boolean)) return comparisonTable(rows as readonly ComparedResults[], at);
  if (kinds.includes(true))
    throw new OptionError(
      'compare: some rows find actions, others moments or highlights: they have no common table',
    );
  return queryTable(rows as readonly QueryResults[]);
}

interface Place {
  readonly data: VideoDataset;
  readonly split: string;
  readonly out: string;
  readonly words: string | undefined;
}

/** What the model of a run finds, which is trained where that is not known yet. */
async function foundBy(run: ComparedRun, { data, split, out, words }: Place): Promise<Found> {
  const { model, found } = placesOf(out, run, split);
  const known = await readFound(found);
  if (known) return known;
  const { recipe, set, options } = run.row;
  const settings = { set, seed: run.seed, out: model, ...given({ words }) };
  await trainOn(data, await recipeFor(recipe, settings), settings);
  const { predictions, judged } = await predicted(data, { model, split, set: options });
  const result = foundIn(judged, split, predictions);
  await writeFound(found, result);
  return result;
}
