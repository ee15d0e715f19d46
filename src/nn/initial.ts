import { checkArgument, integer, number, numberIn } from '../arguments.js';
import type { HostRandom } from '../data/host-random.js';

/** Gives the elements that a weight has before training. */
export type Initial = (count: number, random: HostRandom) => Float32Array;

/** Uniform within ±1/√fanIn: what PyTorch starts linear layers, convolutions and LSTMs (fanIn = hidden) from. */
export function uniformFanIn(fanIn: number): Initial {
  checkArgument('uniformFanIn', 'fanIn', fanIn, integer(1));
  return uniformWithin(1 / Math.sqrt(fanIn));
}

/** Uniform within ±√(6/fanIn) (He et al., arXiv:1502.01852): PyTorch's `kaiming_uniform_` with its defaults. */
export function kaimingUniform(fanIn: number): Initial {
  checkArgument('kaimingUniform', 'fanIn', fanIn, integer(1));
  return uniformWithin(Math.sqrt(6 / fanIn));
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

/** Uniform from −bound to bound. */
export function uniformWithin(bound: number): Initial {
  checkArgument('uniformWithin', 'bound', bound, numberIn(0));
  return (count, random) => Float32Array.from({ length: count }, () => (2 * random.uniform() - 1) * bound);
}
