import { oneOf, onlyFields, positive, type Rule } from '../../arguments.js';
import { classProbabilities, topKVideoScores } from './proposals.js';

/** How the probability of a class in a video is read off the sequences. */
export interface VideoScoreConfig {
  /**
   * `weighted-logits`: the softmax over the classes of the mean of the highest CAS · attention (CO2-Net, DELU).
   * `probabilities`: the mean of the highest probabilities of the class, a softmax of the CAS (ours, for binary MIL).
   */
  readonly kind: 'weighted-logits' | 'probabilities';
  /** The highest ⌊T / ratio⌋ snippets count, at least one. */
  readonly ratio: number;
}

export const videoScoreRule: Rule<VideoScoreConfig> = onlyFields<VideoScoreConfig>({
  kind: oneOf('weighted-logits', 'probabilities'),
  ratio: positive,
});

/**
 * @param cas [T, K] logits
 * @param attention [T]
 * @returns [K] probabilities
 * @throws ShapeError where the sequences do not belong together
 */
export function videoScores(
  cas: ArrayLike<number>,
  attention: ArrayLike<number>,
  { kind, ratio }: VideoScoreConfig,
): Float64Array {
  if (kind === 'weighted-logits') return topKVideoScores(cas, attention, ratio);
  const steps = attention.length;
  const classes = cas.length / steps;
  const probabilities = classProbabilities(cas, classes);
  const count = Math.max(1, Math.floor(steps / ratio));
  return Float64Array.from({ length: classes }, (_, label) => {
    const highest = Float64Array.from({ length: steps }, (_, t) => probabilities[t * classes + label]!)
      .sort()
      .subarray(steps - count);
    return highest.reduce((sum, value) => sum + value, 0) / count;
  });
}
