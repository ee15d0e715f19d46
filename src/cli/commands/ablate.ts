import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { writeWhole } from '../../data/files/output-file.js';
import { whole } from '../options/arguments.js';
import { type Ablation, ablations } from '../shared/ablations.js';
import { checkOutputFolder } from '../shared/outputs.js';
import { evaluateModel, type Recalls } from './evaluate-model.js';
import { addTrainingOptions, type TrainOptions, trainRecordings } from './train.js';

interface AblateOptions extends Omit<TrainOptions, 'ablation'> {
  readonly data: string;
  readonly split: string;
  readonly only: readonly (Ablation | 'full')[];
  readonly ddim: readonly string[];
}

interface Row {
  readonly name: string;
  readonly steps: number;
  readonly recalls: Recalls;
}

const metrics = ['R1@0.3', 'R1@0.5', 'R1@0.7', 'R1@0.9', 'R5@0.5', 'R5@0.7', 'mIoU'] as const;

/** `tal ablate`: trains the model with one part changed at a time, evaluates each, and prints them beside each other. */
export function addAblate(program: Command): void {
  addTrainingOptions(
    program
      .command('ablate')
      .description('Train and evaluate the model with one part changed at a time, on recorded signals')
      .requiredOption('--data <folder>', 'as for `train recordings`')
      .option('--split <name>', 'which queries to evaluate on', 'validation')
      .addOption(
        new Option('--only <name...>', 'which changes (default: all); `full` is the model as it is').choices([
          'full',
          ...Object.keys(ablations),
        ]),
      )
      .option('--ddim <n...>', 'numbers of DDIM steps to evaluate `full` with', ['1', '5', '10', '25', '50']),
    { steps: 1000, batch: 32 },
  ).action(ablate);
}

async function ablate({ only, ddim, out, split, ...options }: AblateOptions): Promise<void> {
  const names = only ?? ['full', ...(Object.keys(ablations) as Ablation[])];
  const rowFiles = names.flatMap((name) =>
    (name === 'full' ? ddim.map(whole(1)) : [1]).map((steps) => `${name}-${steps}.json`),
  );
  await checkOutputFolder(out, rowFiles, { '--data': options.data, '--words': options.words });
  for (const name of names) {
    const folder = join(out, name);
    console.log(`\n${name}`);
    const ablation = name === 'full' ? [] : [name];
    const finished = await trainRecordings({ ...options, split: 'train', out: folder, ablation });
    if (!finished) return;
    for (const steps of name === 'full' ? ddim.map(whole(1)) : [1]) {
      const path = join(out, `${name}-${steps}.json`);
      const known = await readFile(path, 'utf8').catch(() => undefined);
      if (known) continue;
      const recalls = await evaluateModel({
        model: folder,
        data: options.data,
        split,
        steps,
        seed: 0,
        refine: true,
      });
      const row: Row = { name, steps, recalls: recalls! };
      await writeWhole(path, `${JSON.stringify(row, null, 2)}\n`);
    }
  }
  const rows: Row[] = [];
  for (const name of names) {
    for (const steps of name === 'full' ? ddim : ['1']) {
      rows.push(JSON.parse(await readFile(join(out, `${name}-${steps}.json`), 'utf8')) as Row);
    }
  }
  console.log(`\n| model | DDIM steps | ${metrics.join(' | ')} |\n|---|---|${'---|'.repeat(metrics.length)}`);
  for (const { name, steps, recalls } of rows) {
    const cells = metrics.map((metric) => recalls[metric]!.toFixed(1));
    console.log(`| ${name} | ${name === 'single-pass' ? '-' : steps} | ${cells.join(' | ')} |`);
  }
}
