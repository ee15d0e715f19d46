import type { Command } from 'commander';
import { writeWhole } from '../../data/files/output-file.js';
import { checkDataset, type DatasetReport } from '../../datasets/check/check-dataset.js';
import { picture, whole } from '../options/arguments.js';
import { ExitStatus, interrupted } from '../shared/exit-status.js';
import { checkOutputs } from '../shared/outputs.js';
import { datasetOverview } from '../views/dataset-overview.js';
import { printReport } from '../views/dataset-report.js';
import { Progress } from '../views/progress.js';

interface CheckOptions {
  readonly words?: string;
  readonly json?: string;
  readonly plot?: string;
  readonly top: number;
}

/** `tal data`: what concerns data sets. */
export function addData(program: Command): void {
  program
    .command('data')
    .description('Look at data sets')
    .command('check')
    .description(
      'Read all of a data set and say what is wrong with it: features, annotations, splits, words. Ends with 1 where ' +
        'something is',
    )
    .summary('Read all of a data set and say what is wrong with it')
    .argument('<folder>', 'with a dataset.json, or a published data set as it was distributed')
    .option('--words <file>', 'word vectors that the words of queries are looked up in')
    .option('--json <file>', 'write the summary and all faults')
    .option('--plot <file>', 'draw lengths and classes (.svg or .html)', picture)
    .option('--top <n>', 'how many faults of a kind, and classes, are printed', whole(1), 20)
    .action(check);
}

async function check(folder: string, { words, json, plot, top }: CheckOptions): Promise<void> {
  await checkOutputs({ '--json': json, '--plot': plot }, { folder, '--words': words });
  const report = await checkWithProgress(folder, words);
  if (!report) {
    console.log('stopped: nothing is written');
    throw new ExitStatus(interrupted);
  }
  printReport(report, top);
  if (json !== undefined) {
    await writeWhole(json, `${JSON.stringify(report, null, 1)}\n`);
    console.log(`report written to ${json}`);
  }
  if (plot !== undefined) {
    await writeWhole(plot, datasetOverview(report, plot));
    console.log(`overview drawn in ${plot}`);
  }
  if (report.faults.length > 0) throw new ExitStatus(1);
}

/** Undefined where the user interrupts it. */
async function checkWithProgress(
  folder: string,
  words: string | undefined,
): Promise<DatasetReport | undefined> {
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(interrupted);
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  let progress: Progress | undefined;
  try {
    return await checkDataset(folder, {
      ...(words !== undefined && { words }),
      signal: stop.signal,
      onProgress: (done, videos) => {
        progress ??= new Progress(videos, 'videos');
        progress.update(done);
      },
    });
  } catch (error) {
    if (error !== stop.signal.reason) throw error;
    return undefined;
  } finally {
    progress?.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
