#!/usr/bin/env node
import { Command, Option } from 'commander';
import { TalError } from '../errors.js';
import { adapterKinds } from '../gpu/adapter.js';
import { addAblate } from './ablate.js';
import { page, picture, positive, whole } from './arguments.js';
import { addBench } from './bench.js';
import { demo, worldModel } from './demo.js';
import { doctor } from './doctor.js';
import { addEvaluate } from './evaluate.js';
import { localize } from './localize.js';
import { moments } from './moments.js';
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
  .description('Find the moment of a sentence in a video of the built-in world, and show the denoising')
  .option('--plot <file>', 'where the page goes', page, 'tal-demo.html')
  .option('--video <n>', 'which video of the test split', whole(0), 0)
  .option('--query <n>', 'which of its queries', whole(0), 0)
  .action(demo);

program
  .command('moments')
  .description('Find the moments of a video that a sentence speaks of, with a model that looks at frames')
  .requiredOption('--video <file>', 'an mp4 or another video file')
  .requiredOption('--query <sentence>', 'what to look for')
  .option('--model <folder>', 'of tal train; default: the model of the built-in world', worldModel)
  .option('--steps <n>', 'DDIM steps', whole(1), 50)
  .option('--seed <n>', 'of the noise that the map begins as', whole(0), 0)
  .option('--plot <file>', 'a page with frames, moments and maps', page)
  .action(moments);

addTrain(program);
addAblate(program);
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
