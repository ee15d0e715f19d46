import { checkArguments, integer } from '../../arguments.js';

/** Far beyond what any model looks at. */
const maxCount = 2 ** 20;

/**
 * Which frames a model sees of a video that has `total`: `count` of them, the first, the last and evenly spaced ones
 * between, rounded down (LLaVA-Video and LLaDA-V; NumPy's `linspace(0, total - 1, count, dtype=int)` to the last bit).
 * Where there are fewer than `count`, some occur more than once.
 * @throws OptionError unless both are integers of at least 1, and `count` at most 2^20
 */
export function uniformFrames(total: number, count: number): number[] {
  checkArguments('uniformFrames', { total, count }, { total: integer(1), count: integer(1, maxCount) });
  const step = count > 1 ? (total - 1) / (count - 1) : 0;
  // The last is set, not computed: a product that falls below it would be rounded down.
  return Array.from({ length: count }, (_, i) =>
    i > 0 && i === count - 1 ? total - 1 : Math.floor(i * step),
  );
}
