import type { DeviceTraits, SubgroupMatrixShape } from '../gpu/traits.js';
import type { Dtype } from '../tensor/dtype.js';

/** Subgroups of a workgroup of the `matrix` kernels; those beyond, where subgroups come smaller, only wait. */
export const subgroups = 4;

/** The largest product of subgroup matrices of this type that sums in f32, where the device can run the kernels. */
export function subgroupMatrix(
  { subgroupMatrices, subgroupMaxSize, limits }: DeviceTraits,
  dtype: Dtype,
): SubgroupMatrixShape | undefined {
  if (subgroups * subgroupMaxSize > limits.maxComputeInvocationsPerWorkgroup) return undefined;
  return subgroupMatrices.find(({ component, result }) => component === dtype && result === 'f32');
}

/** The constants of a `matrix` kernel for the shape that the device offers. */
export function matrixConstants(traits: DeviceTraits, dtype: Dtype) {
  const { m, n, k } = subgroupMatrix(traits, dtype)!;
  return { MATRIX_M: m, MATRIX_N: n, MATRIX_K: k, WORKGROUP: subgroups * traits.subgroupMaxSize };
}
