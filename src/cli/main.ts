#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { TalError } from '../errors.js';
import { adapterKinds } from '../gpu/adapter.js';
import { addBench } from './bench.js';
import { demo } from './demo.js';
import { doctor } from './doctor.js';
import { addEvaluate } from './evaluate.js';
import { localize } from './localize.js';
import { sample } from './sample.js';
import { addTrain } from './train.js';

const program = new Command('tal')
  .description('Temporal action localization on WebGPU')
  .addOption(
    new Option('--adapter <kind>', 'which adapter to use (default: TAL_ADAPTER, then auto)').choices(
      adapterKinds,
    ),
  )
  .showHelpAfterError('(tal --help lists the commands)')
  .hook('preAction', (command) => {
    const { adapter } = command.opts<{ adapter?: string }>();
    if (adapter) process.env.TAL_ADAPTER = adapter;
  });

program
  .command('localize')
  .description('Find the actions of a video in its features, with a weakly supervised network (CMCS)')
  .requiredOption('--model <path>', 'a .safetensors file, or a folder with model.safetensors')
  .requiredOption(
    '--features <file>',
    'a .npy, .npz or .safetensors of [steps, channels]; repeat to join channels (RGB, then flow)',
    (path: string, paths: string[] = []) => [...paths, path],
  )
  .requiredOption('--duration <seconds>', 'length of the video', positive)
  .option('--classes <file>', 'JSON with the class names; default: classes.json beside the model')
  .option('--top <n>', 'segments to print', positive, 10)
  .option('--video-id <name>', 'name of the video in the JSON; default: from the first feature file')
  .option('--json <file>', "write all segments in ActivityNet's detection format")
  .option('--plot <file>', 'draw the timeline (.svg or .html)', picture)
  .action(localize);

program
  .command('doctor')
  .description('Print the adapter, its features and limits, and test every kernel on it')
  .action(doctor);

program
  .command('demo')
  .description('Localize the actions of a made-up video and draw its timeline')
  .option('--plot <file>', 'where the timeline goes (.svg or .html)', picture, 'tal-demo.html')
  .action(demo);

addTrain(program);
addEvaluate(program);
program
  .command('sample')
  .description(
    'Render videos of the built-in world, with sentences about them and the spans where they are true',
  )
  .requiredOption('--out <folder>', 'where video-XXXX.mp4 and queries.jsonl go; made where it is missing')
  .option('--count <n>', 'how many videos', whole(1), 4)
  .option('--seed <n>', 'which: those numbered from n on; nothing here is trained on them', whole(0), 0)
  .action(sample);

addBench(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof TalError)) throw error;
  console.error(`tal: ${error.message}`);
  if (process.env.TAL_DEBUG) console.error(error);
  process.exitCode = 1;
}

function picture(path: string): string {
  if (!/\.(svg|html?)$/i.test(path)) throw new InvalidArgumentError('Its name must end in .svg or .html.');
  return path;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

/** A parser of whole numbers of at least `least`. */
function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    }
    return value;
  };
}
