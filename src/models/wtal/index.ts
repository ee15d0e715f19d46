/** Weakly supervised temporal action localization: `tal-webgpu/models/wtal`. */

export { Cmcs, type CmcsConfig, type CmcsOutputs } from './cmcs.js';
export { type CmcsFile, loadCmcs } from './cmcs-folder.js';
export { type Localization, localizeActions } from './localize.js';
export {
  CMCS_ACTIVITYNET_PROPOSALS,
  CMCS_PROPOSALS,
  CO2NET_PROPOSALS,
  type LocalizationScores,
  type ProposalOptions,
  type ProposedSegment,
  proposeSegments,
  type Timing,
} from './proposals.js';
