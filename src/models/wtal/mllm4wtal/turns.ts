import { inverseSquareRootLearningRate } from '../../../training/learning-rate.js';
import type { Turn } from '../../../training/training-task.js';
import type { ParameterGroup } from '../../../training/update-groups.js';
import type { GuidanceConfig } from './config.js';

/** What the names of the turns stand for: see `Guidance`. */
export type GuidanceTurn = 'reconstruct' | 'mask' | 'base';

/**
 * The turns of a step, in their order: all of the reconstruction but its attention; its attention; the base with the
 * matching. Without a reconstruction only the last.
 * @param guidance what the names of the guidance's weights begin with in the model that is trained
 */
export function guidanceTurns(
  { csr }: GuidanceConfig,
  guidance: string,
): readonly (Turn & { readonly name: GuidanceTurn })[] {
  if (!csr) return [{ name: 'base' }];
  return [
    { name: 'reconstruct', weights: [`${guidance}.csr`] },
    { name: 'mask', weights: [`${guidance}.csr.attention`] },
    { name: 'base' },
  ];
}

/** How the reconstruction is trained. */
export interface ReconstructionRate {
  /** Default 4e-4. */
  readonly peak?: number;
  /** Steps up to the peak, from 1e-7 on; default 400. */
  readonly warmup?: number;
}

/** The weights with an optimizer of their own: Adam for the reconstruction, with a rate that falls as 1 / √step. */
export function guidanceGroups(
  { csr }: GuidanceConfig,
  guidance: string,
  { peak = 4e-4, warmup = 400 }: ReconstructionRate = {},
): readonly ParameterGroup[] {
  if (!csr) return [];
  const learningRate = inverseSquareRootLearningRate({ peak, warmup, initial: 1e-7 });
  return [{ name: 'csr', weights: [`${guidance}.csr`], optimizer: { kind: 'adamw' }, learningRate }];
}
