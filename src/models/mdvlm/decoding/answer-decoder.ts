import type { Abortable } from '../../../abort.js';
import { MaskedSampler } from '../../../diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../../diffusion/masked-options.js';
import type { CachedTokenLogits, TokenLogits } from '../../../diffusion/token-logits.js';
import { lateStep, revisionFractions } from '../../../diffusion/unmasking.js';
import { OptionError } from '../../../errors.js';
import { allTokensBut, tokenSet } from '../../../ops/sampling/decoding.js';
import { given } from '../../../tensor/given.js';
import { Owner } from '../../../tensor/owner.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { tensorsIn } from '../../../tensor/tensor.js';
import type { LanguageModel } from '../language/language-model.js';
import { answerSizes, type DecodingOptions, type TokenRules } from './decoding-options.js';

/** The signal ends the capturing, not the decodings. */
export interface DecoderOptions extends Omit<DecodingOptions, 'seed' | 'cache'>, TokenRules {
  /** B: answers at a time. */
  readonly batch: number;
}

/** Answers as they were decoded, one after another. */
export interface DecodedAnswers {
  /** (B N); the mask is among them where the model chose it, or after a stop token. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** (B N): of each token, as the model gave it when it committed the token. */
  readonly probabilities: Float32Array<ArrayBuffer>;
}

interface DecodeOptions extends Abortable {
  readonly seed?: number;
  /** Called after each step with the answers so far, masks where nothing is committed yet, and the steps done. */
  readonly onStep?: (answers: Uint32Array, done: number) => void;
}

/**
 * LLaDA's decoding of answers, block by block: in each step the most certain predictions become tokens (low-confidence
 * remasking). Without a threshold, revision and any rule nothing is banned, not even the mask.
 */
export class AnswerDecoder extends Owner {
  readonly #sampler: MaskedSampler;

  private constructor(sampler: MaskedSampler, rules: SamplerRules) {
    super(sampler.runtime);
    this.#sampler = this.takeOver(sampler);
    for (const tensor of tensorsIn(rules)) this.takeOver(tensor);
  }

  /**
   * Captures a step.
   * @param logits of answers u32 (B, N) alone, whatever stands before them; must live as long as the decoder
   * @throws OptionError
   */
  static async create(
    { runtime, config }: LanguageModel,
    logits: TokenLogits | CachedTokenLogits,
    options: DecoderOptions,
  ): Promise<AnswerDecoder> {
    const { batch, temperature = 0, guidanceScale = 0, signal } = options;
    const { length, blockLength, steps } = answerSizes(options);
    const { vocabulary, maskId } = config;
    const rules = runtime.detached(() =>
      samplerRules(runtime, vocabulary, options, { batch, length, steps }),
    );
    try {
      const sampler = await MaskedSampler.create(runtime, logits, {
        ...{ batch, length, answerLength: length, blockLength, steps, maskId },
        ...{ temperature, guidanceScale, keepConfidence: true, ...rules, ...given({ signal }) },
      });
      return new AnswerDecoder(sampler, rules);
    } catch (error) {
      for (const tensor of tensorsIn(rules)) tensor.dispose();
      throw error;
    }
  }

  /** Answers to what `logits` now sees before them. One call at a time. */
  async decode({ seed = 0, signal, onStep }: DecodeOptions = {}): Promise<DecodedAnswers> {
    const { tokens, options, confidence } = this.#sampler;
    const ids = await this.#sampler.decode(new Uint32Array(tokens.size).fill(options.maskId), {
      seed,
      ...given({ signal }),
      ...(onStep && { onStep: (answers, { step }) => onStep(answers, step) }),
    });
    return { ids, probabilities: (await confidence!.read()) as Float32Array<ArrayBuffer> };
  }
}

type SamplerRules = Pick<
  MaskedSamplerOptions,
  'allowed' | 'allowedIndex' | 'late' | 'maskAllowed' | 'revision' | 'spans' | 'stopId' | 'threshold'
>;

/** The sampler's options for what strays from LLaDA's own decoding; their tensors are the caller's. @throws OptionError */
function samplerRules(
  runtime: Runtime,
  vocabulary: number,
  { threshold, revise = 0, late, banned, stopId, span }: DecoderOptions,
  { batch, length, steps }: { readonly batch: number; readonly length: number; readonly steps: number },
): SamplerRules {
  if (threshold === undefined && revise === 0 && !late && !banned && stopId === undefined && !span) {
    return { maskAllowed: true };
  }
  if (span && length < 2) throw new OptionError(`an answer of ${length} token is too short for two times`);
  const revision = revise > 0 ? { fractions: revisionFractions(steps, revise) } : undefined;
  const from = late && lateStep(steps, late.rho);
  // All sets are checked before any of them becomes a tensor.
  const anywhere = (banned || span) && allTokensBut(vocabulary, banned ?? []);
  const inSpan = span && tokenSet(vocabulary, span.ids);
  const lateSet = late && tokenSet(vocabulary, late.ids);
  const u32 = (data: ArrayLike<number>, shape?: readonly number[]) => runtime.tensor(data, shape, 'u32');
  return {
    ...(threshold !== undefined && { threshold }),
    ...(revision && { revision }),
    ...(lateSet && { late: { ids: u32(lateSet), from: from! } }),
    ...(stopId !== undefined && { stopId }),
    ...(anywhere && !span && { allowed: u32(anywhere) }),
    ...(span && {
      allowed: u32([...anywhere!, ...inSpan!], [2, anywhere!.length]),
      allowedIndex: u32(Array.from({ length }, (_, i) => Number(i < 2))),
      spans: {
        positions: u32(
          Array.from({ length: 2 * batch }, (_, i) => i % 2),
          [batch, 1, 2],
        ),
        firstId: span.firstId,
        count: span.count,
      },
    }),
  };
}
