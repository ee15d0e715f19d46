import assert from 'node:assert/strict';

/** How far beyond its bound an error may lie and still be put down to the data. */
const narrowly = 10;
/** Other draws of the data that must all hold where one failed narrowly. */
const further = 3;

/** An error beyond its bound, but not far: unlucky data, in which almost everything cancels, or a wrong kernel. */
class NarrowError extends assert.AssertionError {}

/** @throws {assert.AssertionError} where the error is beyond the bound */
export function assertWithin(error: number, bound: number, where: string): void {
  if (error <= bound) return;
  const message = `${where} has error ${error}, bound ${bound}`;
  throw new (error <= narrowly * bound ? NarrowError : assert.AssertionError)({ message });
}

/**
 * Runs a comparison on data of a seed. Bounds that every draw of random data meets would be too loose to find
 * anything, so one draw may fail narrowly if three others of the same size hold; a wrong kernel fails them all.
 */
export async function compareDraws<T>(
  dataSeed: number,
  compare: (dataSeed: number) => Promise<T>,
): Promise<T> {
  try {
    return await compare(dataSeed);
  } catch (error) {
    if (!(error instanceof NarrowError)) throw error;
    console.log(`# drawn again: ${error.message}`);
    for (let i = 1; i < further; i++) await compare(dataSeed + i);
    return compare(dataSeed + further);
  }
}
