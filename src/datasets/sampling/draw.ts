import { integer, objectWith, optional, type Rule } from '../../arguments.js';
import { HostRandom, mixBits } from '../../data/host-random.js';

/** What decides a random choice: a run that goes on from a step makes the same one. */
export interface Draw {
  /** Of the run, from 0 to 2^32 - 1. */
  readonly seed: number;
  /** Number of the training step. */
  readonly step: number;
  /** Place in the batch; default 0. */
  readonly item?: number;
}

export const drawRule: Rule<Draw> = objectWith<Draw>({
  seed: integer(0, 2 ** 32 - 1),
  step: integer(0, 2 ** 32 - 1),
  item: optional(integer(0)),
});

/** The random numbers of a choice. */
export const randomOf = ({ seed, step, item = 0 }: Draw): HostRandom =>
  new HostRandom((seed ^ mixBits(step + 1)) >>> 0, item);
