import { ShapeError } from '../../errors.js';
import { axisOf, type Shape, shapeText, sizeOf } from '../../tensor/shape.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { broadcastTo } from './broadcast-to.js';
import { broadcastStrides, coalesce, stridesOf } from './strides.js';

/** How gather and scatter address a tensor (outer, n, inner) by ids (outer or 1, entries, inner or 1). */
export interface AxisIds {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly entries: number;
  /** Strides of the ids along outer, entries and inner; 0 where they are shared. */
  readonly idStrides: readonly [number, number, number];
}

/**
 * `shape` seen along `axis`, addressed by `ids`, whose other axes have the size of `shape` or 1.
 * @throws ShapeError, also where the ids are shared along only some of the axes on one side.
 */
export function axisIds(shape: Shape, axis: number, ids: Tensor): AxisIds {
  expectDtype(ids, 'ids', 'u32');
  const along = axisOf(axis, shape.length);
  const strides = idStridesOf(shape, along, ids.shape);
  if (!strides) {
    throw new ShapeError(
      `ids ${ids} must have, in each axis but ${axis}, the size of ${shapeText(shape)} or, in all axes on one ` +
        'side of it, 1',
    );
  }
  return {
    outer: sizeOf(shape.slice(0, along)),
    n: shape[along]!,
    inner: sizeOf(shape.slice(along + 1)),
    entries: ids.shape[along]!,
    idStrides: strides,
  };
}

/** `shape` with another size along one axis. */
export function withSize(shape: Shape, axis: number, size: number): number[] {
  const along = axisOf(axis, shape.length);
  return shape.map((own, k) => (k === along ? size : own));
}

/** Ids that `axisIds` takes: the same, or repeated where they are shared along only some axes. */
export function spreadIds(where: string, shape: Shape, axis: number, ids: Tensor): Tensor {
  const along = axisOf(axis, shape.length, where);
  if (ids.rank !== shape.length || idStridesOf(shape, along, ids.shape)) return ids;
  return broadcastTo(ids, withSize(shape, axis, ids.shape[along]!));
}

function idStridesOf(shape: Shape, along: number, ids: Shape): [number, number, number] | undefined {
  const fits =
    ids.length === shape.length && shape.every((size, k) => k === along || ids[k] === size || ids[k] === 1);
  if (!fits) return undefined;
  const target = withSize(shape, along, ids[along]!);
  const strides = broadcastStrides(ids, target);
  const side = (from: number, to: number) => {
    const { sizes, strides: merged } = coalesce(target.slice(from, to), [strides.slice(from, to)]);
    return sizes.length === 1 ? merged[0]![0]! : undefined;
  };
  const [outer, inner] = [side(0, along), side(along + 1, shape.length)];
  return outer === undefined || inner === undefined ? undefined : [outer, stridesOf(ids)[along]!, inner];
}

/** The parameters that the kernels share, lengths along `inner` counted in units of so many elements. */
export function idParams(
  { n, entries, inner, idStrides }: AxisIds,
  unit = 1,
): Readonly<Record<'n' | 'entries' | 'inner' | 'id_outer' | 'id_entry' | 'id_inner', number>> {
  const [id_outer, id_entry, id_inner] = idStrides;
  return { n, entries, inner: inner / unit, id_outer, id_entry, id_inner };
}
