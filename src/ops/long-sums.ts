/** Terms beyond which the bound grows no more: kernels add up longer sums in blocks. */
const most = 1024;

/** The bound on the relative error of sums of so many terms in f32: 1e-6 √terms, and no more for more than 1024. */
export function sumErrorBound(terms: number): number {
  return 1e-6 * Math.sqrt(Math.min(Math.max(1, terms), most));
}

/**
 * Whether kernels that keep many sums in registers must add them up in blocks (their constant LONG): that takes twice
 * the registers, so shorter sums, which lose little, go without.
 */
export function isLongSum(terms: number): boolean {
  return terms > 2 ** 13;
}
