import type { DeviceTraits } from '../../gpu/traits.js';
import type { Dtype } from '../../tensor/dtype.js';
import { matrixConstants, subgroupMatrix, subgroups } from '../subgroup-matrix.js';

/** How kernels/attention/matrix.wgsl divides the work for a head size on a device. */
export interface AttentionTiling {
  readonly constants: Readonly<Record<string, number>>;
  /** Queries of one head that a workgroup takes. */
  readonly queriesEach: number;
}

/** Keys that a step may take, the best first. */
const keySteps = [32, 16];

/** Tiles across a head, and across the keys of a step, that the kernel has lines for. */
const maxHeadTiles = 16;
const maxKeyTiles = 4;

/** Elements by which rows in workgroup memory are longer than what they hold. */
const padding = 8;

/** The tiling, or undefined where the device has no matrices of this type or not the memory for such a head. */
export function attentionTiling(
  traits: DeviceTraits,
  dtype: Dtype,
  headSize: number,
): AttentionTiling | undefined {
  const shape = subgroupMatrix(traits, dtype);
  if (!shape || headSize % 4 !== 0) return undefined;
  const { m, n, k } = shape;
  const columns = Math.ceil(headSize / n);
  const depths = Math.ceil(headSize / k);
  if (Math.max(columns, depths) > maxHeadTiles) return undefined;
  const queries = subgroups * 2 * m;
  const width = Math.max(columns * n, depths * k);
  const keys = keySteps.find(
    (step) =>
      [m, n, k].every((side) => step % side === 0) &&
      step / Math.min(n, k) <= maxKeyTiles &&
      (subgroups * m) % step === 0 &&
      lanesOfRow(step) <= traits.subgroupMinSize &&
      workgroupBytes(dtype, queries, step, width) <= traits.limits.maxComputeWorkgroupStorageSize,
  );
  if (!keys) return undefined;
  return {
    constants: { ...matrixConstants(traits, dtype), KEYS: keys, VECTORS: headSize / 4 },
    queriesEach: queries,
  };
}

/** Each lane has four keys of a row of scores. */
const lanesOfRow = (keys: number) => keys / 4;

/** What the kernel declares for workgroup memory, in the order of its declarations. */
function workgroupBytes(dtype: Dtype, queries: number, keys: number, width: number): number {
  const elementBytes = dtype === 'f16' ? 2 : 4;
  const tile = keys * (width + padding);
  const scores = queries * (keys + padding);
  const rows = queries * (lanesOfRow(keys) + 3);
  return elementBytes * (Math.max(tile, scores) + tile) + 4 * (scores + rows + 2 * keys + subgroups);
}
