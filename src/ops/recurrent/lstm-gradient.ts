import lstmGatesKernel from '../../../kernels/recurrent/lstm_gates.wgsl.js';
import lstmGradientStepPlainKernel from '../../../kernels/recurrent/lstm_gradient_step_plain.wgsl.js';
import lstmGradientStepShuffleKernel from '../../../kernels/recurrent/lstm_gradient_step_shuffle.wgsl.js';
import lstmPreviousKernel from '../../../kernels/recurrent/lstm_previous.wgsl.js';
import { listOf, oneOf } from '../../arguments.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Launch } from '../../tensor/launch.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { cast } from '../array/cast.js';
import { concat } from '../array/concat.js';
import { sum } from '../array/reduce.js';
import { narrow } from '../array/slice.js';
import { copyInto } from '../array/strided.js';
import { spread } from '../grid.js';
import { matmul } from '../matmul/matmul.js';
import { defineOperation, type TensorSpec } from '../op.js';
import { type FlatOperands, flatOperands, type LstmWeights } from './lstm-operands.js';

/** The operands of `lstm`, its result and the gradients of its results. */
interface Operands extends FlatOperands {
  /** (B, T, D · H), of the type of `input`, as `outputGradient`. */
  readonly output: Tensor;
  readonly outputGradient?: Tensor | undefined;
  /** (2, B, D, H) f32, as `state`. */
  readonly stateGradient?: Tensor | undefined;
}

interface Options {
  /** Operands of `lstm` whose gradients are wanted. */
  readonly wanted: readonly (keyof FlatOperands)[];
}

interface Problem extends Options {
  readonly batch: number;
  readonly time: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
  readonly dtype: Dtype;
}

/** The gradients that are wanted, by the names of the operands and of their shapes and types. */
type Outputs = { readonly [name: string]: Tensor };

type Step = Pick<Launch, 'kernel' | 'constants' | 'workgroups'>;

/** Batch rows of a lane of the shuffle kernel. */
const rowsEach = 8;

export const lstmGradientOperation = defineOperation<Operands, Options, Problem, Outputs>({
  name: 'lstmGradient',
  operands: {
    ...flatOperands,
    output: 'required',
    outputGradient: 'optional',
    stateGradient: 'optional',
  },
  options: { wanted: listOf(oneOf(...(Object.keys(flatOperands) as (keyof FlatOperands)[]))) },
  problem({ input, output, outputGradient, weightHh, weightHhReverse }, { wanted }) {
    expectDtype(input, 'input', 'f32', 'f16');
    const [batch, time, inputs] = input.shape as [number, number, number];
    const hidden = weightHh.shape[1]!;
    const directions = weightHhReverse ? 2 : 1;
    for (const [name, tensor] of Object.entries({ output, outputGradient })) {
      if (!tensor) continue;
      expectDtype(tensor, name, input.dtype);
      expectShape(tensor, name, [batch, time, directions * hidden]);
    }
    return { batch, time, inputs, hidden, directions, dtype: input.dtype, wanted };
  },
  outputs: ({ batch, time, inputs, hidden, directions, dtype, wanted }) => {
    const shapes = { weightIh: [4 * hidden, inputs], weightHh: [4 * hidden, hidden] };
    const spec = (name: string): TensorSpec => {
      if (name === 'input') return { shape: [batch, time, inputs], dtype };
      if (name === 'state') return { shape: [2, batch, directions, hidden], dtype: 'f32' };
      const weight = name.replace('Reverse', '') as keyof typeof shapes;
      return { shape: shapes[weight] ?? [4 * hidden], dtype };
    };
    return Object.fromEntries(wanted.map((name) => [name, spec(name)]));
  },
  variants: [
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, operands, outputs, problem) {
        const { batch, hidden, directions } = problem;
        const lanes = runtime.traits.subgroupMaxSize;
        const rows = batch === 1 ? 1 : rowsEach;
        run(runtime, operands, outputs, problem, {
          kernel: lstmGradientStepShuffleKernel,
          constants: { WORKGROUP: lanes, ROWS: rows },
          workgroups: spread(directions * Math.ceil(batch / rows) * Math.ceil(hidden / lanes), 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, outputs, problem) {
        const { batch, hidden, directions } = problem;
        run(runtime, operands, outputs, problem, {
          kernel: lstmGradientStepPlainKernel,
          workgroups: spread(directions * batch * hidden),
        });
      },
    },
  ],
  flops: ({ batch, time, inputs, hidden, directions }) =>
    6 * batch * time * directions * 4 * hidden * (inputs + hidden),
  reduction: ({ batch, time, inputs, hidden }) => Math.max(batch * time, inputs + hidden, 8 * hidden),
});

/**
 * Recomputes the gates of all times from what `lstm` gave, goes back through the steps, and makes the gradients of input
 * and weights of all times at once. All of it in f32.
 */
function run(runtime: Runtime, operands: Operands, outputs: Outputs, problem: Problem, step: Step): void {
  const { batch, time, inputs, hidden, directions, wanted } = problem;
  const suffixes = directions === 2 ? (['', 'Reverse'] as const) : ([''] as const);
  const rows = batch * time;
  /** Both directions' weights as one f32 tensor (D, …). */
  const both = (name: keyof LstmWeights) => joined(suffixes.map((suffix) => operands[`${name}${suffix}`]!));
  const { state: initial, lengths, stateGradient } = operands;
  const outputGradient = operands.outputGradient && wide(operands.outputGradient);
  const input = wide(operands.input).reshape([1, rows, inputs]);
  const weightIh = both('weightIh');
  const weightHh = both('weightHh');
  const sizes = {
    ...{ batch, time, hidden, directions },
    has_initial: initial ? 1 : 0,
    has_lengths: lengths ? 1 : 0,
  };

  const previous = runtime.empty([directions, rows, hidden]);
  runtime.launch({
    kernel: lstmPreviousKernel,
    buffers: { output: wide(operands.output), initial, lengths, out: previous },
    params: sizes,
    workgroups: spread(previous.size),
  });
  const gates = matmul({ a: input, b: weightIh }, { transposeB: true });
  const recurrent = matmul({ a: previous, b: weightHh }, { transposeB: true });
  const cells = runtime.empty([directions, rows, hidden]);
  runtime.launch({
    kernel: lstmGatesKernel,
    buffers: {
      ...{ recurrent, initial, lengths, gates, cells },
      bias: joined([both('biasIh'), both('biasHh')]),
    },
    params: sizes,
    workgroups: spread(directions * batch * hidden),
  });

  const carry = runtime.empty([2, batch, directions, hidden]);
  for (let state = time; state >= (wanted.includes('state') ? 0 : 1); state--) {
    runtime.launch({
      ...step,
      buffers: {
        ...{ weight: weightHh, cells, initial, lengths, gates, carry },
        output_gradient: outputGradient,
        state_gradient: stateGradient,
      },
      params: {
        ...sizes,
        state,
        has_output_gradient: outputGradient ? 1 : 0,
        has_state_gradient: stateGradient ? 1 : 0,
      },
    });
  }

  const give = (name: keyof FlatOperands, gradient: Tensor) => {
    const out = outputs[name];
    if (out) copyInto(gradient.dtype === out.dtype ? gradient : cast(gradient, out.dtype), out);
  };
  /** Hands out the gradient (D, …) of both directions' weights. */
  const giveBoth = (name: keyof LstmWeights, gradient: () => Tensor) => {
    if (!suffixes.some((suffix) => wanted.includes(`${name}${suffix}`))) return;
    const all = gradient();
    suffixes.forEach((suffix, direction) => {
      give(`${name}${suffix}`, directions === 1 ? all : narrow(all, 0, direction, 1));
    });
  };
  if (wanted.includes('input')) give('input', sum(matmul({ a: gates, b: weightIh }), { axes: 0 }));
  giveBoth('weightIh', () => matmul({ a: gates, b: input }, { transposeA: true }));
  giveBoth('weightHh', () => matmul({ a: gates, b: previous }, { transposeA: true }));
  for (const name of ['biasIh', 'biasHh'] as const) giveBoth(name, () => sum(gates, { axes: 1 }));
  give('state', carry);
}

function wide(x: Tensor): Tensor {
  return x.dtype === 'f32' ? x : cast(x, 'f32');
}

/** Tensors of one shape in f32 along a new first axis. */
function joined(tensors: readonly Tensor[]): Tensor {
  const parts = tensors.map((tensor) => wide(tensor).reshape([1, ...tensor.shape]));
  return parts.length === 1 ? parts[0]! : concat(parts, 0);
}
