/**
 * Invocations in a workgroup of the kernels for software drivers in which one invocation does a row: few, so that
 * all cores get rows.
 */
export const smallWorkgroup = 16;

/** Invocations of a workgroup that shares a row: a multiple of 16, with some columns for each. */
export function workgroupOver(columns: number): number {
  return Math.min(256, Math.max(32, 2 ** Math.ceil(Math.log2(columns / 8))));
}

/** Invocations of a workgroup that puts the parts of a row together: few sizes, so that few pipelines are compiled. */
export function workgroupJoining(parts: number): number {
  return Math.min(64, 2 ** Math.ceil(Math.log2(parts)));
}
