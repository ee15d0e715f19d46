import linearAssignmentPlainKernel from '../../../kernels/assign/linear_assignment_plain.wgsl.js';
import linearAssignmentWorkgroupKernel from '../../../kernels/assign/linear_assignment_workgroup.wgsl.js';
import { ShapeError } from '../../errors.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { defineOperation } from '../op.js';

interface LinearAssignmentProblem {
  readonly batch: number;
  readonly rows: number;
  readonly targets: number;
  readonly dtype: 'f32' | 'f16';
}

export interface LinearAssignmentOperands {
  /** f32 or f16 (B, n, m), n from m to 512: what it costs that row i has target j. */
  readonly cost: Tensor;
  /** u32 (B): of the m targets of each element only the first so many count. Default: all. */
  readonly counts?: Tensor | undefined;
}

export interface LinearAssignment {
  /** u32 (B, m): the row of each target, n for targets that do not count. */
  readonly rows: Tensor;
  /** u32 (B, n): the target of each row, m for rows without one. */
  readonly targets: Tensor;
}

/** Rows that the workgroup memory of every device holds: 28 bytes each, and 8 an invocation. */
const mostRows = 512;

/** Rows that a kernel is compiled for: few sizes, so that few pipelines are compiled. */
function capacity(rows: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(rows)));
}

export const linearAssignmentOperation = defineOperation<
  LinearAssignmentOperands,
  Record<never, never>,
  LinearAssignmentProblem,
  { rows: Tensor; targets: Tensor }
>({
  name: 'linearAssignment',
  operands: { cost: 'required', counts: 'optional' },
  options: {},
  problem({ cost, counts }) {
    expectDtype(cost, 'cost', 'f32', 'f16');
    const [batch, rows, targets] = cost.shape;
    if (cost.rank !== 3 || batch === undefined || rows === undefined || targets === undefined) {
      throw new ShapeError(`cost must be (B, n, m), not ${cost}`);
    }
    if (targets > rows || rows > mostRows) {
      throw new ShapeError(`cost must have n rows from m to ${mostRows} for its m targets, not ${cost}`);
    }
    if (counts) {
      expectDtype(counts, 'counts', 'u32');
      if (counts.rank !== 1 || counts.size !== batch) {
        throw new ShapeError(`counts must be (${batch}), one for each element of cost, not ${counts}`);
      }
    }
    return { batch, rows, targets, dtype: cost.dtype as 'f32' | 'f16' };
  },
  outputs: ({ batch, rows, targets }) => ({
    rows: { shape: [batch, targets], dtype: 'u32' },
    targets: { shape: [batch, rows], dtype: 'u32' },
  }),
  variants: [
    {
      name: 'workgroup',
      suits: () => true,
      meantFor: ['hardware'],
      run(runtime, { cost, counts }, outputs, { batch, rows, targets, dtype }) {
        runtime.launch({
          kernel: linearAssignmentWorkgroupKernel,
          constants: { Element: dtype, CAPACITY: capacity(rows), HAS_COUNTS: counts !== undefined },
          buffers: { cost, counts, row_of: outputs.rows, target_of: outputs.targets },
          params: { batch, rows, targets },
          workgroups: spread(batch, 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, { cost, counts }, outputs, { batch, rows, targets, dtype }) {
        runtime.launch({
          kernel: linearAssignmentPlainKernel,
          constants: { Element: dtype, CAPACITY: capacity(rows), HAS_COUNTS: counts !== undefined },
          buffers: { cost, counts, row_of: outputs.rows, target_of: outputs.targets },
          params: { batch, rows, targets },
          workgroups: spread(batch),
        });
      },
    },
  ],
  flops: ({ batch, rows, targets }) => batch * rows * targets * targets,
  reduction: () => 1,
});

/**
 * The linear assignment of least cost of each element of a batch (Hungarian matching): each target gets a row of its own, so
 * that the sum of their costs is the least. By shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987), in f32:
 * where two assignments differ in cost by less than rounding, either may come out. Of assignments that cost the same, it is
 * always the same one.
 *
 * A cost that is NaN or infinite stands for a pair that must not be: it is taken where there is no other way only. Costs
 * beyond ±1e30 count as ±1e30. The result is ids, without a gradient; what does not exist has the id behind the last, which
 * `gather` and `scatter` leave out.
 *
 * @throws ShapeError where there are more targets than rows, or more than 512 rows; DtypeError
 *
 * @example
 * const { rows } = linearAssignment({ cost, counts });      // (B, m): the query of each target
 * const matched = gather({ x: spans, ids: rows.reshape([B, m, 1]) }, { axis: 1 });
 */
export function linearAssignment(operands: LinearAssignmentOperands): LinearAssignment {
  return linearAssignmentOperation.run(operands, {});
}
