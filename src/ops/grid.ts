/** Invocations in a workgroup of the kernels that give each output one invocation. */
export const workgroupSize = 64;

const maxWorkgroups = 65535;

/**
 * A grid with at least one invocation (or, with `perWorkgroup` 1, one workgroup) for each of `count` items.
 * Kernels get the item's index from `linear_index` or `linear_workgroup` of lib/index.wgsl and must skip
 * those at or beyond the count.
 */
export function spread(count: number, perWorkgroup = workgroupSize): [number, number] {
  const workgroups = Math.ceil(count / perWorkgroup);
  const rows = Math.ceil(workgroups / maxWorkgroups);
  return [Math.ceil(workgroups / rows), rows];
}
