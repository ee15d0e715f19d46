import { checkArgument, checkFields } from '../arguments.js';
import { OptionError } from '../errors.js';
import { type TrainingOptions, trainingRules } from './training-options.js';
import { TrainingRun } from './training-run.js';
import { type TrainingTask, taskRule } from './training-task.js';

/**
 * Trains a model, from the start or from where an earlier run in the folder stopped. A run is a function of its settings
 * and its seed: one that was killed and goes on ends with the same weights, bit for bit on the same device.
 *
 * A step has one turn or several. Each is captured once, gradients and update included, and replayed.
 *
 * The folder holds `state.safetensors`; `log.jsonl`, a line for each step and each validation; `curves.html`, which shows the
 * log; and `best.safetensors` where validation tells which weights are the best.
 *
 * @returns whether all steps are done; the model then has the averaged weights where averaging was asked for, or the best
 * @throws OptionError; NotFiniteError where the loss stays without a number
 * @throws FileAccessError where the folder or a file in it cannot be written
 * @throws FileFormatError where the state in the folder is damaged, of another run or of an earlier version
 */
export async function train<Loaded>(task: TrainingTask<Loaded>, options: TrainingOptions): Promise<boolean> {
  checkArgument('train', 'task', task, taskRule);
  checkFields('train', options, trainingRules);
  const { validation } = options;
  if (validation?.endWithBest && !validation.best) {
    throw new OptionError('train: validation.best must say which weights are the best, for endWithBest');
  }
  const run = await TrainingRun.open(task as TrainingTask, options);
  try {
    return await run.go();
  } finally {
    await run.close();
  }
}
