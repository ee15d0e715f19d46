import { callback, checkArguments, checkFields, instanceOf, listOf, optional } from '../../../arguments.js';
import { OptionError } from '../../../errors.js';
import { given } from '../../../tensor/given.js';
import { anyTensor, type Tensor } from '../../../tensor/tensor.js';
import type { LanguageConfig } from '../language/language-config.js';
import { LanguageModel } from '../language/language-model.js';
import { AnswerDecoder, type DecodedAnswers } from './answer-decoder.js';
import { AnswerLogits, type CacheKind } from './answer-logits.js';
import {
  answerSizes,
  type DecodingOptions,
  decodingRules,
  type TokenRules,
  tokenRules,
} from './decoding-options.js';

/**
 * LLaDA's decoding of one answer, block by block, in each step the most certain predictions become tokens
 * (low-confidence remasking). Without a threshold, revision and any rule nothing is banned, not even the mask. Guidance
 * masks the whole prompt.
 * @param prompt embeddings f32 (1, P, D), in parts along P; none for an answer without a prompt
 * @param onStep called after each step with the answer so far, masks where nothing is committed yet, and the steps done
 * @returns N ids and probabilities
 * @throws OptionError
 */
export async function decodeAnswer(
  model: LanguageModel,
  prompt: readonly Tensor[],
  options: DecodingOptions & TokenRules = {},
  onStep?: (answer: Uint32Array, done: number) => void,
): Promise<DecodedAnswers> {
  checkArguments(
    'decodeAnswer',
    { model, prompt, onStep },
    {
      model: instanceOf(LanguageModel, 'a LanguageModel'),
      prompt: listOf(anyTensor),
      onStep: optional(callback),
    },
  );
  checkFields<DecodingOptions & TokenRules>('decodeAnswer', options, { ...decodingRules, ...tokenRules });
  const { cache = 'none', seed, ...denoising } = options;
  const { guidanceScale = 0, banned, signal } = options;
  signal?.throwIfAborted();
  const { length, blockLength } = answerSizes(options);
  checkCache(cache, options, length / blockLength);
  if (banned) checkBanned(banned, model.config);
  using logits = new AnswerLogits(
    model,
    cache,
    { batch: 1, prompt, answerLength: length, blockLength },
    guidanceScale > 0 ? ['conditional', 'unconditional'] : ['conditional'],
  );
  using decoder = await AnswerDecoder.create(model, logits, { ...denoising, batch: 1 });
  return await decoder.decode(given({ seed, signal, onStep }));
}

/** @throws OptionError where tokens of earlier blocks would change unseen */
function checkCache(cache: CacheKind, { revise = 0 }: DecodingOptions, blocks: number): void {
  if (revise > 0 && blocks > 1 && (cache === 'block' || cache === 'dual')) {
    throw new OptionError(
      `a ${cache} cache keeps what earlier blocks were, so nothing in them can be revised: use one block`,
    );
  }
}

/** @throws OptionError where no token is left for an answer, in which the mask never stands once one is banned */
function checkBanned(banned: Iterable<number>, { vocabulary, maskId }: LanguageConfig): void {
  if (new Set([...banned, maskId]).size < vocabulary) return;
  throw new OptionError(
    `decodeAnswer: banned must leave one of the ${vocabulary} tokens beside the mask, not ban them all`,
  );
}
