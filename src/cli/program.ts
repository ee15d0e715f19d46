import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { SPLIT_SIZE } from '../data/world/world.js';
import { adapterKinds } from '../gpu/adapter.js';
import { plannedModels } from '../models/mdvlm/plan/planned-model.js';
import { addAblate } from './commands/ablate.js';
import { addBench } from './commands/bench.js';
import { addCalibrate } from './commands/calibrate.js';
import { addCompare } from './commands/compare.js';
import { addConvert } from './commands/convert.js';
import { addData } from './commands/data-check.js';
import { decode } from './commands/decode.js';
import { demo } from './commands/demo.js';
import { doctor } from './commands/doctor.js';
import { doctorModel } from './commands/doctor-model.js';
import { addEvaluate } from './commands/evaluate.js';
import { addImport } from './commands/import.js';
import { addLocalize } from './commands/localize.js';
import { sample } from './commands/sample.js';
import { setup } from './commands/setup.js';
import { addTrain } from './commands/train.js';
import { idList, page, share, whole } from './options/arguments.js';
import { addDecodingOptions } from './options/decoding-options.js';

/** Where a command prints. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Shows the help of a group of commands that is called without one of them as an answer, not as a mistake. */
class Group extends Command {
  override createCommand(name?: string): Command {
    return new Group(name);
  }

  override help(): never {
    return super.help();
  }
}

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** `tal` with all its commands; it throws where commander would end the process. */
export function talProgram({ stdout, stderr }: Streams): Command {
  const program = new Group('tal')
    .version(version, '-V, --version', 'print the version')
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .exitOverride()
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

  addLocalize(program);

  addData(program);

  program
    .command('setup')
    .description('Make sure that there is a WebGPU adapter: on Linux without one, provide a software driver')
    .action(setup);

  program
    .command('doctor')
    .description(
      'Print the adapter, its features and limits, and test every kernel on it; or what a model needs (--model)',
    )
    .addOption(
      new Option('--model <name>', 'print what this model takes instead, and whether it fits').choices(
        Object.keys(plannedModels),
      ),
    )
    .option('--frames <n>', 'of the video; default: 32 where the model has a vision encoder', whole(0))
    .option('--prompt <n>', 'text tokens before the answer; default: 128', whole(0))
    .option('--answer <n>', 'tokens of the answer; default: 128', whole(1))
    .option('--json <file>', 'write all that --model prints')
    .option('--quick', 'test one case of each operation only, with the kernel that calls would take')
    .action(({ model, ...options }) =>
      model === undefined ? doctor(options) : doctorModel({ model, ...options }),
    );

  program
    .command('demo')
    .description('Find the moment of a sentence in a video of the built-in world, and show the denoising')
    .option('--plot <file>', 'where the page goes', page, 'tal-demo.html')
    .option('--video <n>', 'which video of the test split', whole(0, SPLIT_SIZE - 1), 0)
    .option('--query <n>', 'which of its queries', whole(0), 0)
    .action(demo);

  addDecodingOptions(
    program
      .command('decode')
      .description('Decode an answer to raw token ids with a masked diffusion language model (LLaDA)')
      .requiredOption('--model <folder>', 'config.json and safetensors, in the names of LLaDA or of Llama')
      .option(
        '--lora <folder>',
        'a LoRA adapter for the model: adapter_config.json and adapter_model.safetensors',
      )
      .requiredOption('--prompt-ids <file>', 'a JSON array of token ids')
      .requiredOption('--json <file>', "where the answer's ids go, and those after each step (`trace`)")
      .option('--gen-length <n>', 'tokens to generate; default: 128', whole(1)),
  )
    .option('--late-ids <ids>', 'such as 126084-126183: committed only in the last steps', idList)
    .option('--rho <share>', 'of the steps, the last ones, in which late ids are committed', share, 0.5)
    .option('--banned-ids <ids>', 'such as 5,126081: never chosen', idList)
    .option(
      '--stop-id <n>',
      'the id of the token that ends the answer: stop when all before it is committed',
      whole(0),
    )
    .option(
      '--logits <file>',
      "a .npy of the first step's logits, [prompt + answer, vocabulary], without guidance",
    )
    .action(decode);

  addImport(program);
  addConvert(program);
  addTrain(program);
  addAblate(program);
  addCompare(program);
  addEvaluate(program);
  addCalibrate(program);
  program
    .command('sample')
    .description(
      'Render videos of the built-in world, with sentences about them and the spans where they are true',
    )
    .requiredOption('--out <folder>', 'where video-XXXX.mp4 and queries.jsonl go; made where it is missing')
    .option('--count <n>', 'how many videos', whole(1), 4)
    .option(
      '--seed <n>',
      'which: those numbered from n on; nothing here is trained on them',
      whole(0, SPLIT_SIZE - 1),
      0,
    )
    .action(sample);

  addBench(program);
  return program;
}
