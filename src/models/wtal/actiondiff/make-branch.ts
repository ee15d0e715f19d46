import { checkArguments, either, instanceOf, integer, onlyFields, type Rule } from '../../../arguments.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { WtalBase } from '../base.js';
import { type ActionDiffConfig, actionDiffRule } from './config.js';
import type { DiffusionBranch } from './diffusion-branch.js';
import { FamilyBranch } from './family-branch.js';
import { LatentBranch } from './latent-branch.js';

/** What a branch takes of its base: K classes, the background among them, and channels of features. */
export type BranchBase = Pick<WtalBase, 'classes' | 'width'>;

const baseRule: Rule<BranchBase> = either(
  instanceOf(WtalBase, 'a WtalBase'),
  onlyFields<BranchBase>({ classes: integer(2), width: integer(1) }),
);

/**
 * The diffusion branch of a configuration, without weights.
 * @param base its classes K, the background among them, and the channels of its features
 * @throws OptionError
 */
export function makeDiffusionBranch(
  runtime: Runtime,
  config: ActionDiffConfig,
  base: BranchBase,
): DiffusionBranch {
  checkArguments(
    'makeDiffusionBranch',
    { runtime, config, base },
    { runtime: anyRuntime, config: actionDiffRule, base: baseRule },
  );
  const { classes, width } = base;
  return config.mode === 'family'
    ? new FamilyBranch(runtime, config, classes)
    : new LatentBranch(runtime, config, width);
}
