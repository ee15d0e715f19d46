import { checkArguments, integer, objectWith, optional, type Rule } from '../../arguments.js';
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

/** Tells the orders of epochs from other choices of the same seed. */
const EPOCHS = 2 ** 31;

/**
 * Which items are in the batch of a step. Each epoch goes through all items in a random order of its own; a batch that begins at
 * the end of one goes on in the next, so that all batches have the same size.
 * @param count how many items there are
 * @param size of a batch
 * @throws OptionError
 */
export function batchAt(count: number, size: number, draw: Pick<Draw, 'seed' | 'step'>): number[] {
  checkArguments(
    'batchAt',
    { count, size, draw },
    { count: integer(1, 2 ** 32 - 1), size: integer(1), draw: drawRule },
  );
  const { seed, step } = draw;
  const orders = new Map<number, Uint32Array>();
  return Array.from({ length: size }, (_, i) => {
    const place = step * size + i;
    const epoch = Math.floor(place / count);
    const order = orders.get(epoch) ?? new HostRandom(seed, EPOCHS + epoch).permutation(count);
    orders.set(epoch, order);
    return order[place % count]!;
  });
}
