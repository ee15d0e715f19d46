import { concat } from '../../../ops/array/concat.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { LanguageModel } from '../language/language-model.js';
import type { ForwardOptions } from '../language/language-options.js';

/**
 * The hidden states of answers: the only way from the tokens of answers to their last layer, for training and decoding.
 * @param before embeddings f32 (R, ·, D) that the pass computes before the answers, in parts
 * @param answers ids u32 (R, N)
 * @returns f32 (R, N, D)
 */
export function answerStates(
  language: LanguageModel,
  before: readonly Tensor[],
  answers: Tensor,
  options: Omit<ForwardOptions, 'consume'> = {},
): Tensor {
  return language.runtime.scope(() => {
    const words = language.embed(answers);
    if (before.length === 0) return language.forward(words, { ...options, consume: true });
    const embeddings = concat([...before, words], 1);
    const start = before.reduce((length, part) => length + part.shape[1]!, 0);
    const hidden = language.forward(embeddings, { ...options, consume: true });
    return narrow(hidden, 1, start, answers.shape[1]!);
  });
}
