import { add, maximum, mul, sub } from '../../../ops/array/binary.js';
import { mean } from '../../../ops/array/reduce.js';
import { log, neg } from '../../../ops/array/unary.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { topMean } from './top-snippets.js';

/** Least probability whose logarithm is taken. */
const least = 1e-6;

/**
 * Multiple instance learning with a yes or no for each class (ours): the probability that a video has a class is the mean
 * of its largest probabilities over the snippets, and the loss the binary cross-entropy with the labels. Unlike the
 * softmax over the video's logits, it lets classes of one video stand beside each other.
 * @param probabilities (B, T, C) of the classes without the background
 * @param labels (B, C)
 * @param snippets how many snippets the mean is over; all where the video has fewer
 * @returns the mean over videos and classes, one element
 */
export function binaryMil(probabilities: Tensor, labels: Tensor, snippets: number): Tensor {
  return probabilities.runtime.scope(() => {
    const found = topMean(probabilities, Math.min(snippets, probabilities.shape[1]!));
    const present = mul(labels, log(maximum(found, least)));
    const absent = mul(sub(1, labels), log(maximum(sub(1, found), least)));
    return neg(mean(add(present, absent)));
  });
}
