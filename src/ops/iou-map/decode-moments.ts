import decodeMomentsColumnsKernel from '../../../kernels/iou-map/decode_moments_columns.wgsl.js';
import decodeMomentsPlainKernel from '../../../kernels/iou-map/decode_moments_plain.wgsl.js';
import { checkFields, integer, numberIn, optional, positive } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { checkTensor, expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';
import { expectUnits, secondsAClip } from './iou-map.js';
import { lowestScore } from './merge-maps.js';

export interface DecodeMomentsOptions {
  /** n: moments to give for each video, 1 to 1024; default 5. */
  readonly count?: number;
  /** A moment is dropped when its IoU with one taken before is above this; default 0.49 (2D-TAN). 1: never. */
  readonly threshold?: number;
  /** Seconds a clip where `units` are not given. */
  readonly unit?: number;
}

interface DecodeMomentsProblem {
  readonly batch: number;
  readonly clips: number;
  readonly count: number;
  readonly threshold: number;
  readonly unit: number;
  readonly dtype: 'f32' | 'f16';
}

/** Moments that the kernels hold at most (MOST). */
const largestCount = 1024;

/** Columns that the column variant is compiled for: few sizes, so that few pipelines are compiled. */
function columnCapacity(clips: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(clips)));
}

/** Invocations of the column variant: a GPU has the cores to search more columns at a time. */
function columnWorkgroup({ deviceClass }: DeviceTraits): number {
  return deviceClass === 'hardware' ? 256 : 64;
}

/** Workgroup memory of the column variant: 8 bytes a column and an invocation, 4 a moment. */
function columnBytes(traits: DeviceTraits, clips: number): number {
  return 8 * (columnCapacity(clips) + columnWorkgroup(traits)) + 4 * largestCount;
}

export const decodeMomentsOperation = defineOperation<
  { scores: Tensor; units?: Tensor | undefined },
  DecodeMomentsOptions,
  DecodeMomentsProblem,
  { moments: Tensor; counts: Tensor }
>({
  name: 'decodeMoments',
  operands: { scores: 'required', units: 'optional' },
  options: {
    count: optional(integer(1, largestCount)),
    threshold: optional(numberIn(0, 1)),
    unit: optional(positive),
  },
  problem({ scores, units }, { count = 5, threshold = 0.49, unit = 1 }) {
    expectDtype(scores, 'scores', 'f32', 'f16');
    const [batch, clips, durations] = scores.shape;
    if (scores.rank !== 3 || batch === undefined || clips === undefined || clips !== durations) {
      throw new ShapeError(`scores must be (B, N, N), the map of all moments, not ${scores}`);
    }
    expectUnits(units, batch);
    return { batch, clips, count, threshold, unit, dtype: scores.dtype as 'f32' | 'f16' };
  },
  outputs: ({ batch, count }) => ({
    moments: { shape: [batch, count, 3], dtype: 'f32' },
    counts: { shape: [batch], dtype: 'u32' },
  }),
  variants: [
    {
      name: 'columns',
      suits: (traits, { clips }) =>
        columnBytes(traits, clips) <= traits.limits.maxComputeWorkgroupStorageSize,
      run(runtime, { scores, units }, { moments, counts }, problem) {
        const { batch, clips, count, threshold, unit, dtype } = problem;
        runtime.launch({
          kernel: decodeMomentsColumnsKernel,
          constants: {
            Element: dtype,
            WORKGROUP: columnWorkgroup(runtime.traits),
            CAPACITY: columnCapacity(clips),
            UNIT_PER_VIDEO: units !== undefined,
          },
          buffers: { scores, units, moments, counts },
          params: { batch, clips, count, lowest: lowestScore[dtype], threshold, unit },
          workgroups: spread(batch, 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { scores, units }, { moments, counts }, problem) {
        const { batch, clips, count, threshold, unit, dtype } = problem;
        runtime.launch({
          kernel: decodeMomentsPlainKernel,
          constants: { Element: dtype, UNIT_PER_VIDEO: units !== undefined },
          buffers: { scores, units, moments, counts },
          params: { batch, clips, count, lowest: lowestScore[dtype], threshold, unit },
          workgroups: spread(batch, 1),
        });
      },
    },
  ],
  flops: ({ batch, clips }) => batch * clips * clips,
  reduction: () => 1,
});

/**
 * The ranked moments of a map, after non-maximum suppression: from the best score on (equal scores: the
 * earlier start, then the shorter moment, first), a moment is taken unless its IoU with one taken before is
 * above the threshold, until `count` are taken (2D-TAN).
 *
 * @param scores (B, N, N) f32 or f16, element [s, l] is the moment that begins at clip s and lasts l + 1
 *   clips; cells of {@link lowestScore} hold none (as `mergeMaps` gives it)
 * @param options.unit seconds a clip: one number, or (B) f32
 * @returns moments (B, count, 3) f32 of start and end in seconds and score, best first, zeros where there are
 *   fewer; counts (B) u32, how many there are
 * @throws ShapeError, DtypeError, OptionError
 */
export function decodeMoments(
  scores: Tensor,
  options: Omit<DecodeMomentsOptions, 'unit'> & { readonly unit: Tensor | number },
): { moments: Tensor; counts: Tensor } {
  checkTensor('decodeMoments', 'scores', scores);
  const given: object = options;
  checkFields('decodeMoments', given, { ...decodeMomentsOperation.spec.options, unit: secondsAClip });
  const { unit, ...others } = options;
  return typeof unit === 'number'
    ? decodeMomentsOperation.run({ scores }, { ...others, unit })
    : decodeMomentsOperation.run({ scores, units: unit }, others);
}
