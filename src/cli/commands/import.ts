import type { Command } from 'commander';
import { importHapt } from '../../datasets/hapt/import-hapt.js';
import { whole } from '../options/arguments.js';

interface HaptOptions {
  readonly seed: number;
  readonly trainQueries: number;
  readonly otherQueries: number;
}

/** `tal import`: data sets as they are distributed, turned into folders that the other commands read. */
export function addImport(program: Command): void {
  program
    .command('import')
    .description('Turn a data set as it is distributed into a folder that the other commands read')
    .command('hapt')
    .description(
      'UCI HAPT: recordings of a smartphone with labelled activities, and generated queries over them',
    )
    .argument('<source>', 'the unpacked distribution, with RawData and activity_labels.txt')
    .argument('<out>', 'where hapt.json, hapt_i16.bin and queries-SPLIT.jsonl go; made where it is missing')
    .option('--seed <n>', 'of the queries', whole(0), 0)
    .option('--train-queries <n>', 'queries over the recordings of train', whole(0), 12_000)
    .option('--other-queries <n>', 'queries over those of each other split', whole(0), 1_000)
    .action(async (source: string, out: string, options: HaptOptions) => {
      for (const { split, recordings, queries } of await importHapt(source, out, options))
        console.log(`${split}: ${recordings} recordings, ${queries} queries`);
    });
}
