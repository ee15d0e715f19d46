import normalizePlainKernel from '../../../kernels/norm/normalize_plain.wgsl.js';
import normalizeSubgroupKernel from '../../../kernels/norm/normalize_subgroup.wgsl.js';
import normalizeWorkgroupKernel from '../../../kernels/norm/normalize_workgroup.wgsl.js';
import { numberIn, optional, type Rules } from '../../arguments.js';
import type { KernelSource } from '../../gpu/kernel-source.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Runtime } from '../../tensor/runtime.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import {
  type ActivationConstants,
  type ActivationOptions,
  activationConstants,
  activationRules,
} from '../activation.js';
import type { OperandKinds, Signature } from '../call.js';
import { spread } from '../grid.js';
import { defineOperation, type Operation, type TensorFields, type Variant } from '../op.js';
import {
  groupParams,
  lanesFor,
  layoutCounts,
  type NormLayout,
  sharesGroups,
  sharesGroupsInSoftware,
  statistics,
} from './norm-groups.js';

/**
 * What the normalizations share: `groups` of `span` elements are each divided by their own deviation. The kernels
 * are those of kernels/norm/normalize_*.wgsl.
 */

export interface NormOperands {
  /** f32 or f16, as all operands. */
  readonly x: Tensor;
  /** (C) Factor of each channel. */
  readonly weight?: Tensor | undefined;
  /** (C) Summand of each channel, after the factor. */
  readonly bias?: Tensor | undefined;
  /** (B, C) Stylization: the result is multiplied by 1 + scale. */
  readonly scale?: Tensor | undefined;
  /** (B, C) Stylization: then shift is added. */
  readonly shift?: Tensor | undefined;
}

export interface NormOptions extends ActivationOptions {
  /** Keeps the deviation away from 0; default 1e-5. */
  readonly eps?: number;
}

export const normOperands: OperandKinds<NormOperands> = {
  x: 'required',
  weight: 'optional',
  bias: 'optional',
  scale: 'optional',
  shift: 'optional',
};

export const normRules: Rules<NormOptions> = { ...activationRules, eps: optional(numberIn(0)) };

export interface NormProblem extends NormLayout {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly statistic: keyof typeof statistics;
  readonly eps: number;
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
  readonly hasScale: boolean;
  readonly hasShift: boolean;
  readonly activation: ActivationConstants;
}

/** The problem of a normalization with that layout. @throws ShapeError, DtypeError, OptionError */
export function normProblem(
  { x, weight, bias, scale, shift }: NormOperands,
  { eps = 1e-5, ...activation }: NormOptions,
  statistic: NormProblem['statistic'],
  layout: NormLayout,
): NormProblem {
  expectDtype(x, 'x', 'f32', 'f16');
  const { channels, samples } = layoutCounts(layout);
  for (const [name, tensor, shape] of [
    ['weight', weight, [channels]],
    ['bias', bias, [channels]],
    ['scale', scale, [samples, channels]],
    ['shift', shift, [samples, channels]],
  ] as const) {
    if (!tensor) continue;
    expectDtype(tensor, name, x.dtype);
    expectShape(tensor, name, shape);
  }
  return {
    ...layout,
    shape: x.shape,
    dtype: x.dtype,
    statistic,
    eps,
    hasWeight: weight !== undefined,
    hasBias: bias !== undefined,
    hasScale: scale !== undefined,
    hasShift: shift !== undefined,
    activation: activationConstants(activation),
  };
}

const variants: readonly Variant<NormOperands, NormProblem, { output: Tensor }>[] = [
  {
    name: 'subgroup',
    suits: ({ subgroups }) => subgroups,
    meantFor: ['software'],
    prefers: sharesGroupsInSoftware,
    run(runtime, operands, { output }, problem) {
      const lanes = runtime.traits.subgroupMaxSize;
      launch(runtime, normalizeSubgroupKernel, operands, output, problem, { WORKGROUP: lanes });
    },
  },
  {
    name: 'workgroup',
    suits: () => true,
    meantFor: ['hardware'],
    prefers: sharesGroups,
    run(runtime, operands, { output }, problem) {
      const lanes = lanesFor(problem.span);
      launch(runtime, normalizeWorkgroupKernel, operands, output, problem, { WORKGROUP: lanes });
    },
  },
  {
    name: 'plain',
    suits: () => true,
    run: (runtime, operands, { output }, problem) =>
      launch(runtime, normalizePlainKernel, operands, output, problem, {}),
  },
];

function launch(
  runtime: Runtime,
  kernel: KernelSource,
  { x, weight, bias, scale, shift }: NormOperands,
  out: Tensor,
  problem: NormProblem,
  constants: { readonly WORKGROUP?: number },
): void {
  const { groups, spatial, eps } = problem;
  runtime.launch({
    kernel,
    constants: {
      Element: problem.dtype,
      STATISTIC: statistics[problem.statistic],
      CHANNEL_RUNS: spatial > 1,
      HAS_WEIGHT: problem.hasWeight,
      HAS_BIAS: problem.hasBias,
      HAS_SCALE: problem.hasScale,
      HAS_SHIFT: problem.hasShift,
      ...problem.activation,
      ...constants,
    },
    buffers: { x, weight, bias, scale, shift, out },
    params: { ...groupParams(problem), eps },
    workgroups: constants.WORKGROUP ? spread(groups, 1) : spread(groups),
  });
}

/** A normalization, by what it takes and what makes its problem. */
export function normOperation<Operands extends NormOperands & TensorFields<Operands>, Options>(
  signature: { readonly name: string } & Signature<Operands, Options>,
  problem: (operands: Operands, options: Options) => NormProblem,
): Operation<Operands, Options, NormProblem, { output: Tensor }> {
  return defineOperation<Operands, Options, NormProblem, { output: Tensor }>({
    ...signature,
    problem,
    outputs: ({ shape, dtype }) => ({ output: { shape, dtype } }),
    variants,
    flops: ({ shape, statistic }) => (statistic === 'variance' ? 8 : 4) * sizeOf(shape),
    reduction: ({ span }) => span,
  });
}
