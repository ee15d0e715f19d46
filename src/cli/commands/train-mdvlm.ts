import { type Command, Option } from 'commander';
import { OptionError } from '../../errors.js';
import type { AnswerObjectiveOptions } from '../../models/mdvlm/objective/answer-objective.js';
import { checkedPlan } from '../../models/mdvlm/objective/masking.js';
import { type Objective, objectives } from '../../models/mdvlm/objective/objective.js';
import {
  makeSignalMdvlm,
  type SignalMdvlmConfig,
  type SignalMdvlmName,
  signalMdvlmConfigs,
} from '../../models/mdvlm/signal/signal-config.js';
import {
  loadSignalWeights,
  readSignalMdvlmFile,
  saveSignalMdvlm,
} from '../../models/mdvlm/signal/signal-folder.js';
import { SignalQuestions } from '../../models/mdvlm/signal/signal-questions.js';
import { MdvlmTask } from '../../models/mdvlm/signal/task.js';
import { WordVocabulary } from '../../models/mdvlm/signal/word-vocabulary.js';
import { whole } from '../options/arguments.js';
import {
  addRunOptions,
  modelFiles,
  ourOptimizer,
  type RunOptions,
  runTraining,
  sentencesOf,
  trainingQueries,
  writePrior,
} from '../shared/training-run.js';

export interface TrainMdvlmOptions extends RunOptions {
  readonly data: string;
  readonly split: string;
  readonly config: SignalMdvlmName;
  readonly objective: Objective;
  readonly autoregressive?: true;
  readonly complementary?: true;
  readonly rewardSamples?: number;
  readonly timeTokens?: number;
  readonly from?: string;
}

/** `tal train mdvlm`: a small masked diffusion model that answers questions about recorded signals. */
export function addTrainMdvlm(train: Command): void {
  addRunOptions(
    train
      .command('mdvlm')
      .description('A masked diffusion model that answers questions about recorded signals by time tokens')
      .requiredOption('--data <folder>', 'NAME.json, NAME_i16.bin and queries-SPLIT.jsonl')
      .option('--split <name>', 'which queries', 'train')
      .addOption(
        new Option('--config <name>', 'which model')
          .choices(Object.keys(signalMdvlmConfigs))
          .default('hapt-mdvlm-tiny'),
      )
      .addOption(
        new Option('--objective <name>', 'what it learns by, each on top of those before it')
          .choices(objectives)
          .default('+iou'),
      )
      .option('--autoregressive', 'for comparison: each token from those before it, by cross-entropy')
      .option('--complementary', 'uniform masks with their complement in a second copy')
      .option('--reward-samples <n>', 'the IoU reward as a policy gradient, of n draws a span', whole(2))
      .option('--time-tokens <n>', "over the model's window (default: as configured)", whole(2))
      .option('--from <folder>', 'begin with the weights, the words and the configuration of this model'),
    { steps: 2000, batch: 32 },
  ).action(async (options: TrainMdvlmOptions) => void (await trainMdvlm(options)));
}

/** @returns whether the training is done; false where it was interrupted */
export async function trainMdvlm(options: TrainMdvlmOptions): Promise<boolean> {
  const { out, steps, batch, seed, learningRate, objective, complementary = false, rewardSamples } = options;
  const { autoregressive, timeTokens, from } = options;
  const { recordings, queries } = await trainingQueries(options);
  const base = from === undefined ? undefined : await readSignalMdvlmFile(from);
  const named: SignalMdvlmConfig = signalMdvlmConfigs[options.config];
  const { model = named } = base ?? {};
  const config: SignalMdvlmConfig = {
    ...model,
    order: autoregressive ? 'autoregressive' : named.order,
    times: timeTokens ?? model.times,
  };
  const recognized = config.encoder.recognition?.classes ?? Number.POSITIVE_INFINITY;
  if (recordings.classes.length > recognized) {
    throw new OptionError(
      `the model recognizes ${recognized} classes, ${options.data} has ${recordings.classes.length}`,
    );
  }
  const sentences = queries.map(({ query }) => query);
  const words = base?.words ?? WordVocabulary.of(sentences, config.times).words;
  const run = { steps, batch, seed, learningRate, examples: queries.length };
  const learning = { from, ...(!autoregressive && { objective, complementary, rewardSamples }) };
  const task: AnswerObjectiveOptions = {
    ...{ batch, seed, steps, objective, complementary },
    ...(rewardSamples !== undefined && { reward: { samples: rewardSamples } }),
  };
  return runTraining(
    out,
    { inputs: { '--data': options.data, '--from': from }, model: modelFiles },
    {
      settings: { model: config, words, ...run, ...learning },
      training: { steps, batch, seed, learningRate, ...ourOptimizer },
      make: (runtime) => {
        const mdvlm = makeSignalMdvlm(runtime, config, words);
        return new MdvlmTask(mdvlm, new SignalQuestions(mdvlm, recordings, queries), task);
      },
      taskOf: (task) => task,
      save: async ({ mdvlm }, adapter) => {
        await saveSignalMdvlm(out, mdvlm, {
          architecture: 'signal-mdvlm',
          model: config,
          words,
          // As the plan recovers times in training.
          decoding: { steps: 4, rho: objective === 'uniform' ? 1 : checkedPlan().rho },
          training: { ...run, ...learning, adapter },
        });
        await writePrior(out, sentencesOf(queries));
      },
      ...(from !== undefined && { begin: ({ mdvlm }: MdvlmTask) => loadSignalWeights(mdvlm, from) }),
    },
  );
}
