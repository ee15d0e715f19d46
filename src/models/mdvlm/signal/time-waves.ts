import type { HostRandom } from '../../../data/host-random.js';
import type { Initial } from '../../../nn/initial.js';
import type { TimeTokens } from '../time-tokens.js';

/** The largest of a wave; beside embeddings of deviation 0.02 times are loud. */
const amplitude = 0.15;
/** The longest wave in periods of the shortest. */
const longest = 100;

/**
 * Embeddings of a vocabulary before training in which time tokens are waves of their index, sines and cosines of as many
 * lengths as fit: near times are alike, and a step in time is the same rotation everywhere (ours).
 * @param others gives the embeddings of the other tokens
 * @param size of an embedding
 */
export function timeWaves(others: Initial, { firstId, count }: TimeTokens, size: number): Initial {
  return (elements: number, random: HostRandom) => {
    const table = others(elements, random);
    const lengths = Math.floor(size / 2);
    for (let index = 0; index < count; index++) {
      const row = (firstId + index) * size;
      for (let i = 0; i < lengths; i++) {
        const angle = index * longest ** (-i / lengths);
        table[row + i] = amplitude * Math.sin(angle);
        table[row + lengths + i] = amplitude * Math.cos(angle);
      }
    }
    return table;
  };
}
