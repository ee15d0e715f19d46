import { listOf, objectWith, type Rule } from '../../arguments.js';
import { Module } from '../../nn/module.js';
import { anyTensor, type Tensor } from '../../tensor/tensor.js';

/** What a base says about B videos of T snippets, K classes of which the last is the background. */
export interface BaseOutputs {
  /** (B, T, K) class activation sequence (CAS), logits. */
  readonly cas: Tensor;
  /** (B, T) attention: how much a snippet belongs to an action, from 0 to 1. That of CMCS is a softmax over time. */
  readonly attention: Tensor;
  /** (B, T) the attention of each modality, whose mean `attention` is; empty where there is one modality only. */
  readonly modalAttentions: readonly Tensor[];
  /** (B, T, width) what the CAS is computed from (X0 of CO2-Net): the contrastive loss and ActionDiff use it. */
  readonly features: Tensor;
  /** (B, T) actionness of each modality and branch, where a base has such heads; empty otherwise. */
  readonly actionness: readonly Tensor[];
  /** What the auto-encoders of an attention rebuilt, where it has them (Boosting-WTAL); empty otherwise. */
  readonly reconstructions: readonly Reconstruction[];
}

/** A modality of the snippets, and what came of it through a code of fewer channels; both (B, channels of it, T). */
export interface Reconstruction {
  readonly modality: Tensor;
  readonly rebuilt: Tensor;
}

export const baseOutputsRule: Rule<BaseOutputs> = objectWith<BaseOutputs>({
  cas: anyTensor,
  attention: anyTensor,
  modalAttentions: listOf(anyTensor),
  features: anyTensor,
  actionness: listOf(anyTensor),
  reconstructions: listOf(objectWith<Reconstruction>({ modality: anyTensor, rebuilt: anyTensor })),
});

/**
 * A network of weakly supervised temporal action localization: it gives every snippet of a video a score for each class and
 * an attention. What it learns by is not part of it (`losses/`), so CO2-Net and DELU are one network, and MLLM4WTAL and
 * ActionDiff work on any.
 */
export abstract class WtalBase extends Module {
  /** Channels of the snippets. */
  abstract readonly channels: number;
  /** K: the classes, and the background as the last. */
  abstract readonly classes: number;
  /** Channels of `BaseOutputs.features`. */
  abstract readonly width: number;

  /**
   * Snippets (B, T, channels) to what the base says about them.
   * @throws ShapeError where they have another shape
   */
  abstract forward(snippets: Tensor): BaseOutputs;

  /** The classifier alone: features (B, T, width) to a CAS (B, T, K). */
  abstract classify(features: Tensor): Tensor;
}
