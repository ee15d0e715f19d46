import { createRequire } from 'node:module';

/**
 * The reference kernels: the package's operations in C++, double precision, all cores. The oracle of the
 * kernel tests and the CPU baseline of the benchmarks; never part of the npm package. Built by
 * scripts/build-native.mjs.
 *
 * Each user names the functions it needs with their types: arrays are dense and row-major (Float64Array,
 * Uint32Array, Int32Array), an absent optional operand is undefined, and results are new arrays. Loaded at the first
 * call: an installed package, which has no reference, can still make the cases and time them.
 */
export function loadReference<Functions extends object>(): Functions {
  return new Proxy({} as Functions, {
    get: (_, name) => built()[name as string],
  });
}

function built(): Record<string, unknown> {
  const require = createRequire(import.meta.url);
  // This file runs as dist/native/index.js; the build stands in native/build.
  try {
    return require('../../native/build/reference.node');
  } catch (cause) {
    throw new Error('the reference kernels are not built: run node scripts/build-native.mjs', { cause });
  }
}
