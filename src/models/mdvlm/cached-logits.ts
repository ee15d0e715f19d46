import type { CachedTokenLogits, LastLayer, Pass } from '../../diffusion/masked.js';
import type { AttentionMask } from '../../ops/attention-problem.js';
import { writePart } from '../../ops/place.js';
import { narrow } from '../../ops/slice.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { KeyValueCache } from './key-value-cache.js';
import type { LanguageModel } from './language-model.js';

/**
 * What is kept between denoising steps:
 * - `prefix`: keys and values of the prompt, which sees only itself (LaViDa's prefix-DLM), so that they are the same in
 *   every step. Exact for that attention; a model that was trained to see the answer from the prompt, as LLaDA was,
 *   loses that.
 * - `block`: keys and values of what comes before the current block, as they were in the block's first step, which sees
 *   everything (the prefix cache of Fast-dLLM, Wu et al., arXiv:2505.22618). Further steps run the block and the
 *   masked rest behind it. An approximation but for a single layer.
 * - `dual`: the rest behind the block too (Fast-dLLM's dual cache): further steps run the block alone.
 */
export const cacheKinds = ['prefix', 'block', 'dual'] as const;
export type CacheKind = (typeof cacheKinds)[number];

/** The sequences that are decoded, and what the model sees of them. */
export interface CachedSequences {
  readonly batch: number;
  /** Positions of the prompt, with all that stands before the answer. */
  readonly before: number;
  readonly answerLength: number;
  readonly blockLength: number;
  /** The embeddings f32 (B, end - begin, D) of positions `begin` to `end` (excluded) in a pass. */
  embeddings(tokens: Tensor, pass: Pass, begin: number, end: number): Tensor;
  /** u32 (B, before + answerLength): positions where it is 0 are seen by none. */
  readonly keyMask?: Tensor;
}

/** What one of the passes keeps. */
interface Kept {
  readonly cache: KeyValueCache;
  /** Hidden states of the answer, f32 (B, answerLength, D), as they were last computed; only where blocks are kept. */
  readonly hidden: Tensor | undefined;
}

/** A language model for `MaskedSampler` that computes only what a cache does not hold. Lives longer than the sampler. */
export class CachedLogits implements CachedTokenLogits {
  readonly prepare: CachedTokenLogits['prepare'];
  readonly inBlock: CachedTokenLogits['inBlock'];
  readonly #kept: ReadonlyMap<Pass, Kept>;

  /** @param passes that the sampler will ask for: with guidance both, each with a cache of its own */
  constructor(
    readonly model: LanguageModel,
    readonly kind: CacheKind,
    readonly sequences: CachedSequences,
    passes: readonly Pass[],
  ) {
    const { before, blockLength, answerLength } = sequences;
    this.#kept = new Map(passes.map((pass) => [pass, this.#newKept()]));
    if (kind === 'prefix') {
      if (before > 0) this.prepare = (tokens, pass) => void this.#forward(tokens, pass, 0, before);
    } else {
      this.inBlock = (tokens, pass, block) => {
        const begin = before + block * blockLength;
        const end = kind === 'dual' ? begin + blockLength : before + answerLength;
        return this.#answer(tokens, pass, begin, end);
      };
    }
  }

  logits(tokens: Tensor, pass: Pass): LastLayer {
    const { before, answerLength } = this.sequences;
    return this.#answer(tokens, pass, this.kind === 'prefix' ? before : 0, before + answerLength);
  }

  /** Frees the caches: after the sampler, whose captures use them. */
  dispose(): void {
    for (const { cache, hidden } of this.#kept.values()) {
      cache.dispose();
      hidden?.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The last layer of the whole answer, of which positions `begin` to `end` are computed. */
  #answer(tokens: Tensor, pass: Pass, begin: number, end: number): LastLayer {
    const { before } = this.sequences;
    const computed = this.#forward(tokens, pass, begin, end);
    const { hidden } = this.#kept.get(pass)!;
    if (!hidden) return this.model.lastLayer(computed);
    const first = Math.max(before - begin, 0);
    const ofAnswer = narrow(computed, 1, first, end - begin - first);
    writePart(hidden, ofAnswer, [0, begin + first - before, 0]);
    return this.model.lastLayer(hidden);
  }

  /** Hidden states of positions `begin` to `end`; their keys and values go into the cache. */
  #forward(tokens: Tensor, pass: Pass, begin: number, end: number): Tensor {
    const { before, keyMask } = this.sequences;
    const mask: AttentionMask =
      this.kind === 'prefix' ? { kind: 'prefix', prefixLength: before } : { kind: 'none' };
    const { cache } = this.#kept.get(pass)!;
    return this.model.forward(this.sequences.embeddings(tokens, pass, begin, end), {
      ...{ others: cache.from(begin), mask },
      ...(keyMask && { keyMask }),
    });
  }

  #newKept(): Kept {
    const { runtime, config } = this.model;
    const { batch, before, answerLength } = this.sequences;
    const shape = [batch, answerLength, config.hidden];
    return {
      cache: this.model.keyValueCache(batch, before + answerLength),
      hidden: this.kind === 'prefix' ? undefined : runtime.detached(() => runtime.zeros(shape)),
    };
  }
}
