import iouMapKernel from '../../../kernels/iou-map/iou_map.wgsl.js';
import { checkFields, either, object, optional, positive, type Rule, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import { floatDtype } from '../../tensor/dtype.js';
import type { Shape } from '../../tensor/shape.js';
import { anyTensor, checkTensor, expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { layoutRules, type MapLayout, rowsOf } from './map-layout.js';

interface IouMapInputs {
  /** (B, G, 2) f32: start and end of the ground-truth spans in seconds; without them only the mask is made. */
  spans?: Tensor | undefined;
  /** (B) u32: how many of the G spans each video has. */
  spanCounts?: Tensor | undefined;
  /** (B) u32: clips of each video. */
  lengths: Tensor;
  /** (B) f32: seconds a clip. */
  units?: Tensor | undefined;
}

interface IouMapOptions {
  readonly layout: MapLayout;
  /** Seconds a clip where `units` are not given. */
  readonly unit?: number;
  readonly dtype?: 'f32' | 'f16';
}

interface IouMapProblem {
  readonly shape: Shape;
  readonly clips: number;
  readonly spans: number;
  readonly unit: number;
  readonly dtype: 'f32' | 'f16';
}

export const iouMapOperation = defineOperation<
  IouMapInputs,
  IouMapOptions,
  IouMapProblem,
  { map?: Tensor; mask: Tensor }
>({
  name: 'iouMap',
  operands: { spans: 'optional', spanCounts: 'optional', lengths: 'required', units: 'optional' },
  options: {
    layout: object as unknown as Rule<MapLayout>,
    unit: optional(positive),
    dtype: optional(floatDtype),
  },
  problem({ spans, spanCounts, lengths, units }, { layout, unit = 1, dtype = 'f32' }) {
    expectDtype(lengths, 'lengths', 'u32');
    const [batch] = lengths.shape;
    if (batch === undefined || lengths.rank !== 1) {
      throw new ShapeError(`lengths must be (B), one number of clips a video, not ${lengths}`);
    }
    if (spans) {
      if (!spanCounts) throw new OptionError('spans need spanCounts: how many of them each video has');
      expectDtype(spans, 'spans', 'f32');
      expectShape(spans, 'spans', [batch, spans.shape[1] ?? 1, 2]);
      expectDtype(spanCounts, 'spanCounts', 'u32');
      expectShape(spanCounts, 'spanCounts', [batch]);
    }
    expectUnits(units, batch);
    return {
      shape: [batch, rowsOf('iouMap', layout), layout.durations],
      clips: layout.clips,
      spans: spans?.shape[1] ?? 0,
      unit,
      dtype,
    };
  },
  outputs: ({ shape, dtype, spans }) => ({
    mask: { shape, dtype },
    ...(spans > 0 && { map: { shape, dtype } }),
  }),
  variants: [
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { spans, spanCounts, lengths, units }, { map, mask }, problem) {
        const [batch, rows, columns] = problem.shape as [number, number, number];
        runtime.launch({
          kernel: iouMapKernel,
          constants: {
            Element: problem.dtype,
            HAS_SPANS: spans !== undefined,
            UNIT_PER_VIDEO: units !== undefined,
          },
          buffers: { spans, span_counts: spanCounts, lengths, units, map, mask },
          params: { batch, clips: problem.clips, rows, columns, spans: problem.spans, unit: problem.unit },
          workgroups: spread(batch * rows * columns),
        });
      },
    },
  ],
  flops: ({ shape, spans }) => 10 * shape.reduce((a, b) => a * b) * spans,
  reduction: () => 1,
});

/** Checks how the length of a clip was given. */
export function expectUnits(units: Tensor | undefined, batch: number): void {
  if (!units) return;
  expectDtype(units, 'unit', 'f32');
  expectShape(units, 'unit', [batch]);
}

/** Seconds a clip: one number for all videos, or one for each. */
export const secondsAClip: Rule<Tensor | number> = either(positive, anyTensor);

export interface IouMapOperands {
  readonly spans: Tensor;
  readonly spanCounts: Tensor;
  readonly lengths: Tensor;
  readonly unit: Tensor | number;
}

const iouMapRules: Rules<IouMapOperands> = {
  spans: anyTensor,
  spanCounts: anyTensor,
  lengths: anyTensor,
  unit: secondsAClip,
};

export type LayoutOptions = MapLayout & { readonly dtype?: 'f32' | 'f16' };

const layoutOptionRules: Rules<LayoutOptions> = { ...layoutRules, dtype: optional(floatDtype) };

/**
 * The maps Y_0 of multi-scale 2D temporal map diffusion: the temporal IoU of every candidate moment with the
 * best of its video's ground-truth spans, on all scales.
 *
 * A cell is valid when start + duration <= max(floor(length / 2^k), 1) in strides of its scale (MS-2D-TAN);
 * a video of length 0 has no valid cell (ours).
 *
 * @param operands.spans (B, G, 2) f32, start and end in seconds
 * @param operands.spanCounts (B) u32, how many of the G spans each video has
 * @param operands.lengths (B) u32, clips of each video
 * @param operands.unit seconds a clip: one number, or (B) f32
 * @param options the scales; `dtype` is that of the results
 * @returns map and mask, each (B, R, A) as {@link MapLayout} says; map is 0 and mask 0 in cells that are not
 *   valid, mask is 1 in the others
 * @throws ShapeError, DtypeError, OptionError
 */
export function iouMap(operands: IouMapOperands, options: LayoutOptions): { map: Tensor; mask: Tensor } {
  checkFields('iouMap', operands, iouMapRules, 'operand');
  checkFields('iouMap', options, layoutOptionRules);
  const { unit, ...rest } = operands;
  const { dtype = 'f32', ...layout } = options;
  const { map, mask } = iouMapOperation.run(
    { ...rest, units: typeof unit === 'number' ? undefined : unit },
    { layout, dtype, ...(typeof unit === 'number' && { unit }) },
  );
  return { map: map!, mask };
}

/** The mask that `iouMap` gives, for when there is no ground truth: (B, R, A) from lengths (B) u32. */
export function mapMask(lengths: Tensor, options: LayoutOptions): Tensor {
  checkTensor('mapMask', 'lengths', lengths);
  checkFields('mapMask', options, layoutOptionRules);
  const { dtype = 'f32', ...layout } = options;
  return iouMapOperation.run({ lengths }, { layout, dtype }, { as: 'mapMask' }).mask;
}
