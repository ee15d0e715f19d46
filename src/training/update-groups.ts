import { OptionError } from '../errors.js';
import { given } from '../tensor/given.js';
import type { Freeable } from '../tensor/owner.js';
import type { Tensor } from '../tensor/tensor.js';
import type { LearningRate } from './learning-rate.js';
import { makeOptimizer, type OptimizerOptions } from './optimizers.js';
import type { Turn } from './training-task.js';
import type { UpdateGroup } from './turn-run.js';
import { divideWeights } from './weight-groups.js';

/** Weights with an optimizer or a learning rate of their own. */
export interface ParameterGroup {
  readonly name: string;
  /** Names of weights, or what names begin with up to a dot (`encoder` for `encoder.…`). The longest name counts. */
  readonly weights: readonly string[];
  /** Default: that of the run. */
  readonly optimizer?: OptimizerOptions;
  /** Default: that of the run. */
  readonly learningRate?: LearningRate;
}

/** How weights are changed. */
export interface UpdateOptions {
  /** Of weights that no group names; default AdamW. */
  readonly optimizer?: OptimizerOptions;
  /** Of weights that no group names. */
  readonly learningRate: LearningRate;
  /** Weights with an optimizer or a learning rate of their own. */
  readonly groups?: readonly ParameterGroup[];
  /** Weights that stay as they are: names, or what names begin with up to a dot. */
  readonly frozen?: readonly string[];
  /** The largest norm of all gradients of a turn together; larger ones are scaled down. Default: none. */
  readonly maxNorm?: number;
  /** Share of the average of the weights that each update keeps, such as 0.999; no average where absent. AdamW only. */
  readonly average?: number;
}

/** What the groups of a turn consist of, as text can compare it. */
export type UpdatePlan = Readonly<
  Record<string, { readonly weights: readonly string[]; readonly optimizer: OptimizerOptions }>
>;

/** The name of the weights that no group has. */
const others = 'default';

/** Which optimizer changes which weights in each turn. @throws OptionError */
export function planUpdates(
  names: readonly string[],
  turns: readonly Turn[],
  { optimizer = { kind: 'adamw' }, groups = [], frozen = [], average }: UpdateOptions,
): ReadonlyMap<string, UpdatePlan> {
  const twice = groups.find(({ name }, i) => name === others || groups.findIndex((g) => g.name === name) < i);
  if (twice) throw new OptionError(`train: groups: the name ${twice.name} is taken`);
  const still =
    frozen.length === 0
      ? []
      : divideWeights('frozen', names, [{ name: 'frozen', weights: frozen }]).get('frozen')!;
  const moving = names.filter((name) => !still.includes(name));
  const byTurn = divideWeights('task.turns', moving, turns);
  const forgotten = byTurn.get(undefined)?.[0];
  if (forgotten !== undefined) {
    throw new OptionError(`train: task.turns: no turn has ${forgotten}: name it in one, or in frozen`);
  }
  const byGroup = divideWeights('groups', moving, groups);
  const plans = turns.map(({ name: turn }) => {
    const own = new Set(byTurn.get(turn));
    const parts = [...groups, { name: others, optimizer }].flatMap((group) => {
      const weights = byGroup.get(group.name === others ? undefined : group.name) ?? [];
      const updated = weights.filter((weight) => own.has(weight));
      const made = group.optimizer ?? optimizer;
      if (average !== undefined && made.kind === 'sgd') {
        throw new OptionError(`train: average must be left out with SGD (${group.name}), which keeps none`);
      }
      return updated.length === 0 ? [] : [[group.name, { weights: updated, optimizer: made }] as const];
    });
    return [turn, Object.fromEntries(parts)] as const;
  });
  return new Map(plans);
}

/** The optimizers of a turn. @param made gets what has to be disposed of */
export function makeGroups(
  plan: UpdatePlan,
  tensors: Readonly<Record<string, Tensor>>,
  { learningRate, groups = [], maxNorm, average }: UpdateOptions,
  made: Set<Freeable>,
): UpdateGroup[] {
  const entries = Object.entries(plan);
  return entries.map(([name, { weights: names, optimizer: options }]) => {
    const weights = Object.fromEntries(names.map((weight) => [weight, tensors[weight]!]));
    // Gradients of several groups are clipped by the turn.
    const clipping = entries.length === 1 ? { maxNorm } : {};
    const optimizer = makeOptimizer(weights, options, given({ ...clipping, average }));
    made.add(optimizer);
    const own = groups.find((group) => group.name === name)?.learningRate;
    return { name, weights, optimizer, learningRate: own ?? learningRate };
  });
}
