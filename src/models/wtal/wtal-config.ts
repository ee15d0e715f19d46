import { checkFields, integer, onlyFields, optional, type Rules } from '../../arguments.js';
import { type ActionDiffConfig, actionDiffRule } from './actiondiff/config.js';
import { type BaseRecipe, baseRecipeRule } from './bases/make-base.js';
import { type ProposalOptions, proposalRules } from './proposals.js';
import { type SnippetsConfig, snippetsRule } from './snippets.js';
import { type VideoScoreConfig, videoScoreRule } from './video-scores.js';

/** A weakly supervised model: how it sees a video, its network, and how segments are read off what the network says. */
export interface WtalConfig {
  readonly snippets: SnippetsConfig;
  /** T: snippets of a bag in training. Features are resampled to it; a signal is seen in windows of T snippets. */
  readonly steps: number;
  readonly base: BaseRecipe;
  /** The diffusion branch of ActionDiff; default: none. */
  readonly diffusion?: ActionDiffConfig;
  readonly videoScore: VideoScoreConfig;
  readonly proposals: ProposalOptions;
}

export const wtalRules: Rules<WtalConfig> = {
  snippets: snippetsRule,
  steps: integer(1),
  base: baseRecipeRule,
  diffusion: optional(actionDiffRule),
  videoScore: videoScoreRule,
  proposals: onlyFields(proposalRules),
};

/** @throws OptionError that names the field */
export function checkWtalConfig(config: WtalConfig): void {
  checkFields('wtal', config, wtalRules);
}
