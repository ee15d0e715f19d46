import { numberIn, onlyFields, optional, type Rule } from '../../../arguments.js';
import { type CaptionOrderConfig, captionOrderRule } from './caption-order.js';
import { type CsrConfig, csrRule } from './csr.js';
import { type KsmConfig, ksmRule } from './ksm.js';

/** Which parts of MLLM4WTAL guide a base. */
export interface GuidanceConfig {
  /** Key Semantic Matching; none where absent. */
  readonly ksm?: KsmConfig;
  /** Complete Semantic Reconstruction; none where absent. */
  readonly csr?: CsrConfig;
  /** The order of the captions (ours); where absent it does not count. */
  readonly order?: CaptionOrderConfig;
  /** Factor of the interactive distillation between both; default 1.5, 0 for none. */
  readonly distillation?: number;
  /** Factor by which the base's attention is drawn to the mean of their attentions; default 1.5. */
  readonly pull?: number;
}

export const guidanceRule: Rule<GuidanceConfig> = onlyFields<GuidanceConfig>({
  ksm: optional(ksmRule),
  csr: optional(csrRule),
  order: optional(captionOrderRule),
  distillation: optional(numberIn(0)),
  pull: optional(numberIn(0)),
});
