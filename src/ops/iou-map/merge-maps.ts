import mergeMapsKernel from '../../../kernels/iou-map/merge_maps.wgsl.js';
import { anyNumber, checkFields, object, optional, type Rule } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import { anyTensor, checkTensor, expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { layoutRules, type MapLayout, rowsOf } from './map-layout.js';

/**
 * What stands for minus infinity in merged maps: the lowest finite number of the type. A cell with it holds
 * no moment.
 */
export const lowestScore: Readonly<Record<'f32' | 'f16', number>> = {
  f32: -3.4028234663852886e38,
  f16: -65504,
};

export interface MergeMapsOptions {
  readonly layout: MapLayout;
  /**
   * Score of the moments that no scale has as a valid cell; default {@link lowestScore}. The MS-2D-TAN code
   * starts from 0, which also lifts lower scores to 0.
   */
  readonly initial?: number;
}

interface MergeMapsProblem {
  readonly batch: number;
  readonly rows: number;
  readonly layout: MapLayout;
  readonly initial: number;
  readonly dtype: 'f32' | 'f16';
}

export const mergeMapsOperation = defineOperation<
  { maps: Tensor; lengths?: Tensor | undefined },
  MergeMapsOptions,
  MergeMapsProblem,
  { merged: Tensor }
>({
  name: 'mergeMaps',
  operands: { maps: 'required', lengths: 'optional' },
  options: { layout: object as unknown as Rule<MapLayout>, initial: optional(anyNumber) },
  problem({ maps, lengths }, { layout, initial }) {
    expectDtype(maps, 'maps', 'f32', 'f16');
    const rows = rowsOf('mergeMaps', layout);
    const [batch] = maps.shape;
    if (batch === undefined)
      throw new ShapeError(`maps must be (B, ${rows}, ${layout.durations}), not ${maps}`);
    expectShape(maps, 'maps', [batch, rows, layout.durations]);
    if (lengths) {
      expectDtype(lengths, 'lengths', 'u32');
      expectShape(lengths, 'lengths', [batch]);
    }
    const dtype = maps.dtype as 'f32' | 'f16';
    return { batch, rows, layout, initial: initial ?? lowestScore[dtype], dtype };
  },
  outputs: ({ batch, layout: { clips }, dtype }) => ({ merged: { shape: [batch, clips, clips], dtype } }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { maps, lengths }, { merged }, { batch, rows, layout, initial, dtype }) {
        const { clips, scales, durations } = layout;
        runtime.launch({
          kernel: mergeMapsKernel,
          constants: { Element: dtype, HAS_LENGTHS: lengths !== undefined },
          buffers: { packed: maps, lengths, out: merged },
          params: { batch, clips, rows, columns: durations, scales, initial },
          workgroups: spread(batch * clips * clips),
        });
      },
    },
  ],
  flops: ({ batch, rows, layout }) => batch * rows * layout.durations,
  reduction: () => 1,
});

const mergeRules = { ...layoutRules, lengths: optional(anyTensor), initial: optional(anyNumber) };

/**
 * Merges multi-scale maps to the map of all moments: the maximum over the scales that have a moment as a
 * valid cell (MS-2D-TAN).
 *
 * @param maps (B, R, A) f32 or f16, packed as {@link MapLayout} says
 * @param options the layout; `lengths` (B) u32, clips of each video (all N when absent): other cells are not
 *   valid, see `iouMap`; `initial`, see {@link MergeMapsOptions}
 * @returns (B, N, N): element [s, l] is the moment that begins at clip s and lasts l + 1 clips, and
 *   {@link lowestScore} where there is none
 * @throws ShapeError, DtypeError, OptionError
 */
export function mergeMaps(
  maps: Tensor,
  options: MapLayout & { readonly lengths?: Tensor | undefined; readonly initial?: number | undefined },
): Tensor {
  checkTensor('mergeMaps', 'maps', maps);
  checkFields('mergeMaps', options, mergeRules);
  const { lengths, initial, ...layout } = options;
  return mergeMapsOperation.run({ maps, lengths }, { layout, ...(initial !== undefined && { initial }) })
    .merged;
}
