import { checkArgument, integer, number, numberIn } from '../arguments.js';
import type { HostRandom } from '../data/host-random.js';

/** Gives the elements that a weight has before training. */
export type Initial = (count: number, random: HostRandom) => Float32Array;

/** Uniform within ±1/√fanIn: what PyTorch starts linear layers, convolutions and LSTMs (fanIn = hidden) from. */
export function uniformFanIn(fanIn: number): Initial {
  checkArgument('uniformFanIn', 'fanIn', fanIn, integer(1));
  const bound = 1 / Math.sqrt(fanIn);
  return (count, random) => Float32Array.from({ length: count }, () => (2 * random.uniform() - 1) * bound);
}

/** Normal with mean 0: embeddings. */
export function normalInitial(deviation: number): Initial {
  checkArgument('normalInitial', 'deviation', deviation, numberIn(0));
  return (count, random) => Float32Array.from({ length: count }, () => random.normal() * deviation);
}

/** The same number everywhere. */
export function constantInitial(value: number): Initial {
  checkArgument('constantInitial', 'value', value, number);
  return (count) => new Float32Array(count).fill(value);
}
