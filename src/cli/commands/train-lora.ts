import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { readWrittenQuestions, type WrittenQuestion } from '../../data/annotations/question-lines.js';
import { readJson } from '../../data/files/byte-source.js';
import { endsAfter } from '../../data/text/timed-text.js';
import { FileFormatError, OptionError } from '../../errors.js';
import type { ChatOptions } from '../../models/mdvlm/language/chat.js';
import { chatExample } from '../../models/mdvlm/language/chat-examples.js';
import type { LanguageConfig } from '../../models/mdvlm/language/language-config.js';
import { LanguageTask } from '../../models/mdvlm/language/language-task.js';
import { readLanguageConfig } from '../../models/mdvlm/language/model-folder.js';
import { checkTextQuestions } from '../../models/mdvlm/language/text-questions.js';
import { loadTokenizer } from '../../models/mdvlm/language/tokenizer.js';
import { type Objective, objectives } from '../../models/mdvlm/objective/objective.js';
import { TimeTokens } from '../../models/mdvlm/time-tokens.js';
import { hasVisionEncoder } from '../../models/mdvlm/video/video-config-file.js';
import { loraFiles, saveLora } from '../../nn/lora-folder.js';
import type { WeightStorage } from '../../nn/weight-storage.js';
import { positive, weightsOption, whole } from '../options/arguments.js';
import { runTraining } from '../shared/training-run.js';
import { loadWithProgress } from './decode.js';

export interface TrainLoraOptions {
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly rank: number;
  readonly alpha?: number;
  readonly layers: readonly string[];
  readonly weights?: WeightStorage;
  readonly objective: Objective;
  readonly targets: NonNullable<ChatOptions['targets']>;
  readonly timeTokens: number;
  readonly firstTimeId: number;
  readonly recompute: boolean;
}

/** Every linear layer of LLaDA-V's layers. */
const allLayers = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/** `tal train lora`: a low-rank adapter for a language model of LLaDA's kind, which is shown text alone. */
export function addTrainLora(train: Command): void {
  const times = new TimeTokens();
  train
    .command('lora')
    .description('A low-rank adapter that teaches a masked diffusion language model (LLaDA) to answer')
    .requiredOption('--model <folder>', 'config.json, safetensors and tokenizer of LLaDA or LLaDA-V')
    .requiredOption(
      '--data <file>',
      'a .jsonl of question and answer, both text: the model sees no video. With <seconds> in an answer, duration too',
    )
    .option('--rank <n>', 'of the additions', whole(1), 64)
    .option('--alpha <x>', 'additions count alpha / rank; default: twice the rank', positive)
    .option('--layers <name...>', 'the layers that get one', allLayers)
    .addOption(weightsOption())
    .addOption(
      new Option('--objective <name>', 'what it learns by, each on top of those before it')
        .choices(objectives)
        .default('+iou'),
    )
    .addOption(
      new Option(
        '--targets <which>',
        "learn the answers, or what LLaDA-V's code does, with the template's marks",
      )
        .choices(['answers', 'llada-v'])
        .default('answers'),
    )
    .option('--time-tokens <n>', "over a video's length", whole(2), times.count)
    .option('--first-time-id <id>', 'the id of the first of them', whole(0), times.firstId)
    .option('--no-recompute', 'keep all that gradients need, which takes more memory and less time')
    .requiredOption('--out <folder>', 'where the adapter goes; a run that was stopped there goes on')
    .option('--steps <n>', 'training steps', whole(1), 1000)
    .option('--batch <n>', 'examples a step', whole(1), 4)
    .option('--learning-rate <x>', 'the highest; it falls along half a cosine', positive, 1e-4)
    .option('--seed <n>', 'of initial weights, order, times and noise', whole(0), 1)
    .action(trainLora);
}

/**
 * @throws OptionError where questions are about videos (`checkTextQuestions`), or the model cannot read them; ExitStatus where
 *   the training was interrupted
 */
export async function trainLora(options: TrainLoraOptions): Promise<void> {
  const { model: base, data, out, steps, batch, seed, learningRate, objective, targets } = options;
  const { rank, alpha = 2 * rank, layers, weights = 'f32', recompute } = options;
  const times = new TimeTokens({ count: options.timeTokens, firstId: options.firstTimeId });
  const model = await readLanguageConfig(base);
  const questions = await readWrittenQuestions(data);
  if (questions.length === 0) throw new FileFormatError(`${data} holds no question`);
  const timed = checkTextQuestions(questions, {
    data,
    hasVisionEncoder: hasVisionEncoder(await readJson(join(base, 'config.json'))),
  });
  if (timed > 0) {
    console.error(
      `${timed} of ${questions.length} answers have times: the model sees no video, so they must follow from the question`,
    );
  }
  const late = questions.filter(({ answer, duration }) => endsAfter(answer, duration ?? 0)).length;
  if (late > 0) {
    console.error(
      `${late} of ${questions.length} answers have times after the end of their video: they are taken as its end`,
    );
  }
  const tokenizer = await loadTokenizer(base, times);
  const chats = questions.map(({ question, answer, duration }: WrittenQuestion) => {
    // Without a duration there are no times.
    const content = duration === undefined ? answer.join('') : times.write(answer, duration);
    return chatExample(
      tokenizer,
      [
        { role: 'user', content: question },
        { role: 'assistant', content },
      ],
      { targets },
    );
  });
  for (const [i, { ids }] of chats.entries()) checkIds(model, ids, `question ${i + 1} of ${data}`);
  const lora = { rank, alpha, targets: layers };
  const maxLength = chats.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
  await runTraining(
    out,
    { inputs: { '--model': base, '--data': data }, model: loraFiles },
    {
      settings: () => ({
        ...{ base, model, data, weights, lora, objective, targets, steps, batch, seed, learningRate },
        ...{ timeTokens: times.count, firstTimeId: times.firstId, examples: chats.length },
      }),
      training: { steps, batch, seed, learningRate, weightDecay: 0.01, maxNorm: 1 },
      make: async (runtime) => {
        const language = await loadWithProgress(runtime, base, { weights, maxLength, lora, recompute });
        return new LanguageTask(language, times, chats, { batch, seed, steps, objective });
      },
      taskOf: (task) => task,
      save: ({ model }) => saveLora(out, model, base),
    },
  );
}

/** Whether a model can read a conversation. @throws OptionError */
function checkIds({ vocabulary, maxPositions }: LanguageConfig, ids: Uint32Array, where: string): void {
  const alien = ids.find((id) => id >= vocabulary);
  if (alien !== undefined)
    throw new OptionError(`${where} has token ${alien}, the model has a vocabulary of ${vocabulary}`);
  if (ids.length > maxPositions)
    throw new OptionError(`${where} has ${ids.length} tokens, the model has ${maxPositions} positions`);
}
