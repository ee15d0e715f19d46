import { checkArguments, integer } from '../../../arguments.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { type ActionDiffConfig, actionDiffRule } from './config.js';
import type { DiffusionBranch } from './diffusion-branch.js';
import { FamilyBranch } from './family-branch.js';
import { LatentBranch } from './latent-branch.js';

/**
 * The diffusion branch of a configuration, without weights.
 * @param base its classes K, the background among them, and the channels of its features
 * @throws OptionError
 */
export function makeDiffusionBranch(
  runtime: Runtime,
  config: ActionDiffConfig,
  base: { readonly classes: number; readonly width: number },
): DiffusionBranch {
  const { classes, width } = base;
  checkArguments(
    'makeDiffusionBranch',
    { runtime, config, classes, width },
    { runtime: anyRuntime, config: actionDiffRule, classes: integer(2), width: integer(1) },
  );
  return config.mode === 'family'
    ? new FamilyBranch(runtime, config, classes)
    : new LatentBranch(runtime, config, width);
}
