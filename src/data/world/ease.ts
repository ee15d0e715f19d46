/** Rises from 0 to 1 as `x` does, without a jerk at either end; constant outside. */
export function ease(x: number): number {
  const inside = Math.min(1, Math.max(0, x));
  return inside * inside * (3 - 2 * inside);
}
