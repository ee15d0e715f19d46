import {
  checkArguments,
  instanceOf,
  integer,
  listOf,
  oneOf,
  onlyFields,
  optional,
} from '../../../arguments.js';
import type { CachedTokenLogits, LastLayer, Pass } from '../../../diffusion/token-logits.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { writePart } from '../../../ops/array/place.js';
import { narrow } from '../../../ops/array/slice.js';
import type { AttentionMask } from '../../../ops/attention/attention-mask.js';
import { Owner } from '../../../tensor/owner.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import type { KeyValueCache } from '../language/key-value-cache.js';
import { LanguageModel } from '../language/language-model.js';
import type { ForwardOptions } from '../language/language-options.js';
import { answerStates } from './answer-states.js';

/**
 * What is kept between denoising steps:
 * - `none`: nothing, as LLaDA decodes.
 * - `prefix`: keys and values of the prompt, which sees only itself (LaViDa's prefix-DLM), so that they are the same in
 *   every step. Exact for that attention; a model that was trained to see the answer from the prompt, as LLaDA was,
 *   loses that.
 * - `block`: keys and values of what comes before the current block, as they were in the block's first step, which sees
 *   everything (the prefix cache of Fast-dLLM, Wu et al., arXiv:2505.22618). Further steps run the block and the
 *   masked rest after it. An approximation but for a single layer.
 * - `dual`: the rest after the block too (Fast-dLLM's dual cache): further steps run the block alone.
 */
export const cacheKinds = ['none', 'prefix', 'block', 'dual'] as const;
export type CacheKind = (typeof cacheKinds)[number];

/** Answers that are decoded together, and what the model sees of what stands before them. */
export interface AnswerSequences {
  readonly batch: number;
  /**
   * Embeddings f32 (B, ·, D) of the prompts, in parts along their P positions; none for answers without any. Guidance
   * has masks in their place.
   */
  readonly prompt: readonly Tensor[];
  /** N. */
  readonly answerLength: number;
  readonly blockLength: number;
  /** u32 (B, P + N): positions where it is 0 are seen by none. */
  readonly keyMask?: Tensor;
}

const sequencesRule = onlyFields<AnswerSequences>({
  batch: integer(1),
  prompt: listOf(anyTensor),
  answerLength: integer(1),
  blockLength: integer(1),
  keyMask: optional(anyTensor),
});

const passRule = oneOf('conditional', 'unconditional');

/** What one of the passes keeps. */
interface Kept {
  readonly cache: KeyValueCache;
  /** Hidden states of the answer, f32 (B, N, D), as they were last computed; only where blocks are kept. */
  readonly hidden: Tensor | undefined;
}

/**
 * A language model for a `MaskedSampler` of answers alone (B, N), which computes only what a cache does not hold. Must live
 * as long as the sampler.
 */
export class AnswerLogits extends Owner implements CachedTokenLogits {
  readonly prepare: CachedTokenLogits['prepare'];
  readonly inBlock: CachedTokenLogits['inBlock'];
  /** P. */
  readonly #before: number;
  readonly #kept: ReadonlyMap<Pass, Kept>;

  /**
   * @param passes that the sampler will ask for: with guidance both, each with a cache of its own
   * @throws OptionError
   */
  constructor(
    readonly model: LanguageModel,
    readonly kind: CacheKind,
    readonly sequences: AnswerSequences,
    passes: readonly Pass[],
  ) {
    checkArguments(
      'AnswerLogits',
      { model, kind, sequences, passes },
      {
        model: instanceOf(LanguageModel, 'a LanguageModel'),
        kind: oneOf(...cacheKinds),
        sequences: sequencesRule,
        passes: listOf(passRule),
      },
    );
    super(model.runtime);
    const { prompt, blockLength, answerLength } = sequences;
    const before = prompt.reduce((length, part) => length + part.shape[1]!, 0);
    this.#before = before;
    this.#kept = new Map(
      kind === 'none' ? [] : this.own(() => passes.map((pass) => [pass, this.#newKept()] as const)),
    );
    if (kind === 'prefix' && before > 0) {
      this.prepare = (_, pass) => this.#computePrompt(pass);
    }
    if (kind === 'block' || kind === 'dual') {
      this.inBlock = (answers, pass, block) => {
        const begin = before + block * blockLength;
        const end = kind === 'dual' ? begin + blockLength : before + answerLength;
        return this.#answer(answers, pass, begin, end);
      };
    }
  }

  logits(answers: Tensor, pass: Pass): LastLayer {
    checkArguments('AnswerLogits.logits', { answers, pass }, { answers: anyTensor, pass: passRule });
    const begin = this.kind === 'prefix' ? this.#before : 0;
    return this.#answer(answers, pass, begin, this.#before + this.sequences.answerLength);
  }

  /** The last layer of the whole answer, of which positions `begin` to `end` of the sequence are computed. */
  #answer(answers: Tensor, pass: Pass, begin: number, end: number): LastLayer {
    const { model } = this;
    const before = this.#before;
    return model.runtime.scope(() => {
      const first = Math.max(begin, before) - before;
      // Who computes any of the prompt computes all of it.
      const states = answerStates(
        model,
        begin < before ? this.#prompt(pass) : [],
        narrow(answers, 1, first, end - before - first),
        this.#seen(pass, begin),
      );
      const hidden = this.#kept.get(pass)?.hidden;
      if (!hidden) return model.lastLayer(states);
      writePart(hidden, states, [0, first, 0]);
      return model.lastLayer(hidden);
    });
  }

  /** Computes the prompt, whose keys and values go into the cache. */
  #computePrompt(pass: Pass): void {
    const { model } = this;
    const embeddings = model.runtime.scope(() => concat(this.#prompt(pass), 1));
    model.forward(embeddings, { ...this.#seen(pass, 0), consume: true }).dispose();
  }

  /** What the positions from `begin` on see of the others; their keys and values go into the cache. */
  #seen(pass: Pass, begin: number): ForwardOptions {
    this.checkAlive();
    const { keyMask } = this.sequences;
    const mask: AttentionMask =
      this.kind === 'prefix' ? { kind: 'prefix', prefixLength: this.#before } : { kind: 'none' };
    const cache = this.#kept.get(pass)?.cache;
    return { mask, ...(cache && { others: cache.from(begin) }), ...(keyMask && { keyMask }) };
  }

  #prompt(pass: Pass): readonly Tensor[] {
    const { model, sequences } = this;
    if (pass === 'conditional') return sequences.prompt;
    return [model.embed(fill(model.runtime, [sequences.batch, this.#before], model.config.maskId, 'u32'))];
  }

  #newKept(): Kept {
    const { runtime, config } = this.model;
    const { batch, answerLength } = this.sequences;
    const shape = [batch, answerLength, config.hidden];
    return {
      cache: this.model.keyValueCache(batch, this.#before + answerLength),
      hidden: this.kind === 'prefix' ? undefined : runtime.zeros(shape),
    };
  }
}
