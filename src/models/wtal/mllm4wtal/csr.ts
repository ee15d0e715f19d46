import {
  checkArgument,
  checkArguments,
  flag,
  instanceOf,
  onlyFields,
  optional,
  type Rule,
} from '../../../arguments.js';
import { ShapeError } from '../../../errors.js';
import { constantInitial } from '../../../nn/initial.js';
import { Linear } from '../../../nn/linear.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { arange } from '../../../ops/array/arange.js';
import { add, div, maximum, mul, sub } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { cast } from '../../../ops/array/cast.js';
import { concat } from '../../../ops/array/concat.js';
import { embedding, gather } from '../../../ops/array/gather.js';
import { logSumExp, mean, sum } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { relu, scaleShift } from '../../../ops/array/unary.js';
import { where } from '../../../ops/array/where.js';
import { timeEmbedding } from '../../../ops/diffusion/time-embedding.js';
import { anyRuntime, type Runtime } from '../../../tensor/runtime.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LossParts } from '../../../training/training-task.js';
import { evenChannels } from '../bases/co2net.js';
import { checkSnippets } from '../bases/snippets.js';
import { reconstruction } from '../losses/reconstruction.js';
import { CaptionWords } from './caption-words.js';
import { DualTransformer, type DualTransformerConfig, dualTransformerRules } from './dual-transformer.js';
import {
  type GeneratedMask,
  MaskGenerator,
  type MaskGeneratorConfig,
  maskGeneratorRule,
} from './mask-generator.js';

export interface CsrConfig extends DualTransformerConfig {
  readonly attention: MaskGeneratorConfig;
  /**
   * Whether a third of the words is hidden; default true. False is what the released code of Boosting-WTAL does: it passes on
   * the words as they are, and without their positions, so that each is told from those before it.
   */
  readonly maskWords?: boolean;
}

export const csrRule: Rule<CsrConfig> = onlyFields<CsrConfig>({
  ...dualTransformerRules,
  attention: maskGeneratorRule,
  maskWords: optional(flag),
});

/** Captions of the videos of a batch, L words at most. */
export interface CaptionOperands {
  /** u32 (B, L): numbers of their words, see `CaptionWords`. */
  readonly words: Tensor;
  /** u32 (B, L): 1 where there is a word, 0 after the last. */
  readonly present: Tensor;
  /** u32 (B, L): 1 for a word that the network does not see. */
  readonly masked: Tensor;
}

/** Share of the probability of a word that is spread over the vocabulary (Boosting-WTAL). */
const smoothing = 0.1;
/** By how much the loss with the mask's frames is to be below that with all, and below that with the others. */
const margins = { all: 0.1, others: 0.15 };
/** Factor of the errors of the auto-encoders. */
const autoEncoderWeight = 1.5;
/** What is added to weights of frames. */
const leastWeight = 1e-10;

/**
 * Complete Semantic Reconstruction of MLLM4WTAL (Zhang and Qi, arXiv:2411.08466): the hidden words of a caption that
 * tells a video completely are rebuilt from its frames, weighted by an attention m of its own. That attention learns that the
 * caption is told better with it than without (by a margin of .1), and than with 1 − m (.15), so that it covers all that the
 * caption tells.
 *
 * The paper's equations are not public: these are those of Boosting-WTAL's reconstruction (Li et al., arXiv:2305.00607),
 * with words up to the one that is told, each with a sinusoid of its position. Ours: frames have one too, and are the
 * snippets as they are, so that m acts through the weights alone.
 */
export class Csr extends Module {
  readonly #attention: MaskGenerator;
  readonly #frames: Linear;
  readonly #words: Linear;
  readonly #transformer: DualTransformer;
  readonly #vocabulary: Linear;
  readonly #start: Parameter;
  readonly #hidden: Parameter;
  readonly #table: Parameter;

  /**
   * @param channels of the snippets, even
   * @param words of all captions
   * @throws OptionError
   */
  constructor(
    runtime: Runtime,
    readonly config: CsrConfig,
    readonly channels: number,
    words: CaptionWords,
  ) {
    checkArguments(
      'Csr',
      { runtime, config, channels, words },
      {
        runtime: anyRuntime,
        config: csrRule,
        channels: evenChannels,
        words: instanceOf(CaptionWords, 'a CaptionWords'),
      },
    );
    super(runtime);
    const { attention, maskWords: _, ...transformer } = config;
    const { width } = config;
    const { count, dimensions, vectors } = words;
    this.#attention = this.child('attention', new MaskGenerator(runtime, attention, channels));
    this.#frames = this.child('frame_fc', new Linear(runtime, channels, width));
    this.#words = this.child('word_fc', new Linear(runtime, dimensions, width));
    this.#transformer = this.child('transformer', new DualTransformer(runtime, transformer));
    this.#vocabulary = this.child('fc_rec', new Linear(runtime, width, count));
    this.#start = this.parameter('start_vec', [1, 1, dimensions], constantInitial(0));
    this.#hidden = this.parameter('mask_vec', [1, 1, dimensions], constantInitial(0));
    this.#table = this.statistic('words', [count, dimensions], () => vectors);
  }

  /** Snippets (B, T, channels) to the attention m. @throws ShapeError */
  attend(snippets: Tensor): GeneratedMask {
    return this.#attention.forward(snippets);
  }

  /**
   * How well captions are told: the negative log-likelihood of their words, with smoothed labels, its mean over the words of
   * each video, (B).
   * @param snippets (B, T, channels)
   * @param weights (B, T), at least 0: how much each snippet counts; all alike where absent
   * @throws ShapeError
   */
  wordLosses(snippets: Tensor, captions: CaptionOperands, weights?: Tensor): Tensor {
    checkSnippets('Csr.wordLosses', 'snippets', snippets, this.channels);
    checkCaptions(captions, snippets.shape[0]!);
    const { words, present } = captions;
    return this.runtime.scope(() => {
      const frames = placed(this.#frames.forward(snippets));
      const told = this.#transformer.forward(
        frames,
        this.#told(captions),
        weights && scaleShift(weights, 1, leastWeight),
      );
      const losses = smoothedLosses(this.#vocabulary.forward(told), words);
      const counted = cast(present, 'f32');
      return div(sum(mul(losses, counted), { axes: 1 }), maximum(sum(counted, { axes: 1 }), 1));
    });
  }

  /** L_rec: what all but the attention learns by. @param attention m (B, T) */
  reconstructionLosses(snippets: Tensor, captions: CaptionOperands, attention: Tensor): LossParts {
    return this.runtime.scope(() => ({
      attended: mean(this.wordLosses(snippets, captions, attention)),
      all: mean(this.wordLosses(snippets, captions)),
    }));
  }

  /** L_ivc: what the attention learns by. @param mask what `attend` gave for these snippets */
  maskLosses(snippets: Tensor, captions: CaptionOperands, mask: GeneratedMask): LossParts {
    const { attention, reconstructions } = mask;
    return this.runtime.scope(() => {
      const attended = this.wordLosses(snippets, captions, attention);
      const all = this.wordLosses(snippets, captions);
      const others = this.wordLosses(snippets, captions, scaleShift(attention, -1, 1));
      const above = (other: Tensor, margin: number) =>
        mean(relu(scaleShift(sub(attended, other), 1, margin)));
      return {
        againstAll: above(all, margins.all),
        againstOthers: above(others, margins.others),
        autoEncoder: scaleShift(reconstruction(reconstructions), autoEncoderWeight, 0),
      };
    });
  }

  /** What the words are told from, (B, L, d): a start, and all words but the last. */
  #told({ words, masked }: CaptionOperands): Tensor {
    const { maskWords = true } = this.config;
    const [batch, length] = words.shape as [number, number];
    const vectors = embedding({ table: this.#table.tensor, ids: words });
    const seen = maskWords
      ? where(masked.reshape([batch, length, 1]), this.#hidden.tensor, vectors)
      : vectors;
    const start = broadcastTo(this.#start.tensor, [batch, 1, vectors.shape[2]!]);
    const before = length === 1 ? start : concat([start, narrow(seen, 1, 0, length - 1)], 1);
    const projected = this.#words.forward(before);
    return maskWords ? placed(projected) : projected;
  }
}

/** (B, L, d) with a sinusoid of each position added. */
function placed(x: Tensor): Tensor {
  const { runtime } = x;
  const [, length, width] = x.shape as [number, number, number];
  const positions = arange(runtime, { end: length, dtype: 'u32' });
  return add(x, timeEmbedding(positions, { width }));
}

/** −(1 − ε) log p of the target − ε times the mean of all log p: logits (B, L, V) and targets (B, L) to (B, L). */
function smoothedLosses(logits: Tensor, targets: Tensor): Tensor {
  const chosen = gather({ x: logits, ids: targets.reshape([...targets.shape, 1]) }, { axis: 2 });
  const likely = add(
    scaleShift(chosen.reshape(targets.shape), 1 - smoothing, 0),
    scaleShift(mean(logits, { axes: 2 }), smoothing, 0),
  );
  return sub(logSumExp(logits, { axes: 2 }), likely);
}

/** @throws ShapeError, OptionError */
function checkCaptions({ words, present, masked }: CaptionOperands, batch: number): void {
  for (const [name, x] of Object.entries({ words, present, masked })) {
    checkArgument('Csr.wordLosses', name, x, anyTensor);
    if (x.rank === 2 && x.shape[0] === batch && x.shape[1] === words.shape[1] && x.dtype === 'u32') continue;
    throw new ShapeError(`Csr.wordLosses: ${name} must be u32 (${batch}, L), as words is, not ${x}`);
  }
}
