import {
  checkArgument,
  checkArguments,
  checkFields,
  instanceOf,
  integer,
  onlyFields,
  optional,
  type Rule,
} from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { Module } from '../../../nn/module.js';
import { scaleShift } from '../../../ops/array/unary.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LossParts } from '../../../training/training-task.js';
import { type BaseOutputs, baseOutputsRule } from '../base.js';
import { type CaptionOrderOperands, captionOrderLoss } from './caption-order.js';
import { CaptionWords } from './caption-words.js';
import { type GuidanceConfig, guidanceRule } from './config.js';
import { type CaptionOperands, Csr } from './csr.js';
import { drawnTo } from './distillation.js';
import { type KeyOperands, Ksm, type KsmSizes } from './ksm.js';

/** Sizes that the data and the base decide. */
export interface GuidanceSizes extends KsmSizes {
  /** B: videos of a batch. */
  readonly batch: number;
  /** T: snippets of a video. */
  readonly steps: number;
}

const sizesRule = onlyFields<GuidanceSizes>({
  batch: integer(1),
  steps: integer(1),
  channels: integer(2),
  classes: integer(2),
  wordWidth: integer(1),
}) satisfies Rule<GuidanceSizes>;

/** What is known of the videos of a batch: their labels and priors. */
export interface GuidanceOperands extends KeyOperands, CaptionOperands {
  /** In which order the captions tell the classes, where `config.order` wants it. */
  readonly order?: CaptionOrderOperands | undefined;
}

const orderRule = onlyFields<CaptionOrderOperands>({
  ...{ order: anyTensor, counts: anyTensor, progress: anyTensor },
});
const keyNames = ['keys', 'labels'] as const;
const captionNames = ['words', 'present', 'masked'] as const;

const defaultWeight = 1.5;

/**
 * MLLM4WTAL (Zhang and Qi, arXiv:2411.08466) around a base: two modules that learn from what a language model says of
 * the training videos, and whose attentions the base's is drawn to. Inference does not use it.
 *
 * A step has three turns (`guidanceTurns`), each with its loss here. The reconstruction and its attention take turns, as in
 * Boosting-WTAL (Li et al., arXiv:2305.00607); then base and matching are drawn to the attention that the reconstruction
 * had in the step's first turn.
 */
export class Guidance extends Module {
  readonly ksm: Ksm | undefined;
  readonly csr: Csr | undefined;
  /** (B, T): the attention of the reconstruction in the step's first turn. */
  readonly #seen: Tensor | undefined;

  /**
   * @param words of the captions, for the reconstruction
   * @throws OptionError where there is neither matching nor reconstruction nor order, or a reconstruction without words
   */
  constructor(
    runtime: Runtime,
    readonly config: GuidanceConfig,
    readonly sizes: GuidanceSizes,
    words?: CaptionWords,
  ) {
    checkArguments(
      'Guidance',
      { runtime, config, sizes, words },
      {
        runtime: anyRuntime,
        config: guidanceRule,
        sizes: sizesRule,
        words: optional(instanceOf(CaptionWords, 'a CaptionWords')),
      },
    );
    const { ksm, csr, order } = config;
    if (!ksm && !csr && !order) throw new OptionError('Guidance: config must have ksm, csr or order');
    if (csr && !words) throw new OptionError('Guidance: words must be given where config has csr');
    super(runtime);
    const { batch, steps, channels, classes, wordWidth } = sizes;
    this.ksm = ksm && this.child('ksm', new Ksm(runtime, ksm, { channels, classes, wordWidth }));
    this.csr = csr && this.child('csr', new Csr(runtime, csr, channels, words!));
    this.#seen = csr && this.own(() => runtime.zeros([batch, steps]));
  }

  /**
   * Turn `reconstruct`: all of the reconstruction but its attention, which is kept for the turn of the base.
   * @param snippets (B, T, channels)
   * @throws OptionError without a reconstruction, ShapeError
   */
  reconstructLoss(snippets: Tensor, operands: CaptionOperands): LossParts {
    const csr = this.#reconstruction('reconstructLoss');
    checkOperands('reconstructLoss', snippets, operands, captionNames);
    return this.runtime.scope(() => {
      const { attention } = csr.attend(snippets);
      this.#seen!.assign(attention);
      return csr.reconstructionLosses(snippets, operands, attention);
    });
  }

  /**
   * Turn `mask`: the attention of the reconstruction, drawn to that of the matching where there is one.
   * @throws OptionError without a reconstruction, ShapeError
   */
  maskLoss(snippets: Tensor, operands: GuidanceOperands): LossParts {
    const csr = this.#reconstruction('maskLoss');
    checkOperands('maskLoss', snippets, operands, this.ksm ? [...captionNames, ...keyNames] : captionNames);
    const { distillation = defaultWeight } = this.config;
    return this.runtime.scope(() => {
      const mask = csr.attend(snippets);
      const losses = csr.maskLosses(snippets, operands, mask);
      if (!this.ksm || distillation === 0) return losses;
      const match = this.ksm.forward(snippets, operands);
      return { ...losses, distilled: drawn(mask.attention, [match.attention], distillation) };
    });
  }

  /**
   * Turn `base`, beside the base's own losses: those of the matching, which is drawn to the attention of the
   * reconstruction, how far the base's attention is from the mean of both, and how badly its CAS fits the captions' order.
   * @throws OptionError where an order is wanted and not given, ShapeError
   */
  baseLoss(
    snippets: Tensor,
    base: BaseOutputs,
    operands: KeyOperands & Pick<GuidanceOperands, 'order'>,
  ): LossParts {
    checkOperands('baseLoss', snippets, operands, keyNames);
    checkArgument('Guidance.baseLoss', 'base', base, baseOutputsRule);
    const { distillation = defaultWeight, pull = defaultWeight, order } = this.config;
    if (order && !operands.order) throw new OptionError('Guidance.baseLoss: operands must have order');
    return this.runtime.scope(() => {
      const match = this.ksm?.forward(snippets, operands);
      const seen = this.#seen;
      const attentions = [match?.attention, seen].filter((one) => one !== undefined);
      return {
        ...(match && this.ksm!.losses(match, operands.labels)),
        ...(match && seen && distillation > 0 && { distilled: drawn(match.attention, [seen], distillation) }),
        ...(pull > 0 && attentions.length > 0 && { pull: drawn(base.attention, attentions, pull) }),
        ...(order && {
          order: scaleShift(captionOrderLoss(base.cas, operands.order!, order), order.weight, 0),
        }),
      };
    });
  }

  #reconstruction(what: string): Csr {
    this.checkAlive();
    if (this.csr) return this.csr;
    throw new OptionError(`Guidance.${what}: config has no csr`);
  }
}

function drawn(attention: Tensor, others: readonly Tensor[], weight: number): Tensor {
  return scaleShift(drawnTo(attention, others), weight, 0);
}

/** @param names of the operands that the turn needs; the others may be there. @throws OptionError */
function checkOperands(
  where: string,
  snippets: Tensor,
  operands: Partial<GuidanceOperands>,
  names: readonly (keyof GuidanceOperands)[],
): void {
  checkArgument(`Guidance.${where}`, 'snippets', snippets, anyTensor);
  const rules = [...keyNames, ...captionNames].map((name) => [
    name,
    names.includes(name) ? anyTensor : optional(anyTensor),
  ]);
  const all = { ...Object.fromEntries(rules), order: optional(orderRule) };
  checkFields(`Guidance.${where}`, operands, all, 'operand');
}
