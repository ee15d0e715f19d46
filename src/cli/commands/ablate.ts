import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { writeWhole } from '../../data/files/output-file.js';
import type { Metrics } from '../../models/common/evaluate-predictions.js';
import { whole } from '../options/arguments.js';
import { type Ablation, ablations } from '../shared/ablations.js';
import { checkOutputFolder } from '../shared/outputs.js';
import { evaluateModel } from './evaluate-model.js';
import { addTrainingOptions, type TrainOptions, trainRecipe } from './train.js';

interface AblateOptions extends Omit<TrainOptions, 'ablation'> {
  readonly recipe: string;
  readonly split: string;
  readonly only: readonly (Ablation | 'full')[];
  readonly ddim?: readonly number[];
}

const usualSteps: readonly number[] = [1, 5, 10, 25, 50];

interface Row {
  readonly name: string;
  readonly steps: number;
  readonly recalls: Metrics;
}

const metrics = ['R1@0.3', 'R1@0.5', 'R1@0.7', 'R1@0.9', 'R5@0.5', 'R5@0.7', 'mIoU'] as const;

/** `tal ablate`: trains the model with one part changed at a time, evaluates each, and prints them beside each other. */
export function addAblate(program: Command): void {
  addTrainingOptions(
    program
      .command('ablate')
      .description('Train and evaluate a map-diffusion model with one part changed at a time')
      .option('--recipe <name>', 'which model', 'hapt')
      .requiredOption(
        '--out <folder>',
        'where the models and the rows of the table go; what is there is not done again',
      )
      .option('--split <name>', 'which queries to evaluate on', 'validation')
      .addOption(
        new Option('--only <name...>', 'which changes (default: all); `full` is the model as it is').choices([
          'full',
          ...Object.keys(ablations),
        ]),
      )
      .option(
        '--ddim <n...>',
        `numbers of DDIM steps to evaluate \`full\` with (default: ${usualSteps.join(' ')})`,
        (text, earlier?: readonly number[]) => [...(earlier ?? []), whole(1)(text)],
      ),
  ).action(ablate);
}

async function ablate({
  only,
  ddim = usualSteps,
  out,
  split,
  recipe,
  ...options
}: AblateOptions): Promise<void> {
  const names = only ?? ['full', ...(Object.keys(ablations) as Ablation[])];
  const rowFiles = names.flatMap((name) =>
    (name === 'full' ? ddim : [1]).map((steps) => `${name}-${steps}.json`),
  );
  await checkOutputFolder(out, rowFiles, { '--data': options.data, '--words': options.words });
  for (const name of names) {
    const folder = join(out, name);
    console.log(`\n${name}`);
    const ablation = name === 'full' ? [] : [name];
    await trainRecipe(recipe, { ...options, out: folder, ablation });
    for (const steps of name === 'full' ? ddim : [1]) {
      const path = join(out, `${name}-${steps}.json`);
      const known = await readFile(path, 'utf8').catch(() => undefined);
      if (known) continue;
      const evaluation = await evaluateModel({
        model: folder,
        data: options.data,
        split,
        set: [`steps=${steps}`],
      });
      const row: Row = { name, steps, recalls: evaluation!.metrics };
      await writeWhole(path, `${JSON.stringify(row, null, 2)}\n`);
    }
  }
  const rows: Row[] = [];
  for (const name of names) {
    for (const steps of name === 'full' ? ddim : [1]) {
      rows.push(JSON.parse(await readFile(join(out, `${name}-${steps}.json`), 'utf8')) as Row);
    }
  }
  console.log(`\n| model | DDIM steps | ${metrics.join(' | ')} |\n|---|---|${'---|'.repeat(metrics.length)}`);
  for (const { name, steps, recalls } of rows) {
    const cells = metrics.map((metric) => recalls[metric]!.toFixed(1));
    console.log(`| ${name} | ${name === 'single-pass' ? '-' : steps} | ${cells.join(' | ')} |`);
  }
}
