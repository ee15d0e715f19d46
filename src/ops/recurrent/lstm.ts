import lstmPersistentKernel from '../../../kernels/recurrent/lstm_persistent.wgsl.js';
import lstmStepPlainKernel from '../../../kernels/recurrent/lstm_step_plain.wgsl.js';
import lstmStepShuffleKernel from '../../../kernels/recurrent/lstm_step_shuffle.wgsl.js';
import { checkFields, object, optional, type Rule, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { Dtype } from '../../tensor/dtype.js';
import type { Launch } from '../../tensor/launch.js';
import type { Runtime } from '../../tensor/runtime.js';
import { anyTensor, expectDtype, expectShape, type Tensor } from '../../tensor/tensor.js';
import { concat } from '../array/concat.js';
import { transpose } from '../array/permute.js';
import { checkOperands } from '../call.js';
import { spread } from '../grid.js';
import { linear } from '../matmul/matmul.js';
import { defineOperation } from '../op.js';
import { type FlatOperands, flatOperands, type LstmWeights, weightKinds } from './lstm-operands.js';

export interface LstmOperands {
  /** (B, T, I), f32 or f16. */
  readonly input: Tensor;
  readonly forward: LstmWeights;
  /** A second direction, which reads the rows from their end. */
  readonly reverse?: LstmWeights | undefined;
  /** (B) u32: valid steps of each row; all T when absent or larger. */
  readonly lengths?: Tensor | undefined;
  /** (2, B, D, H) f32: h and c before the first step; zeros when absent. */
  readonly state?: Tensor | undefined;
}

export interface LstmOutputs {
  /** (B, T, D · H), of the type of the input: h of every step, the directions side by side. Zero beyond a row's length. */
  readonly output: Tensor;
  /** (2, B, D, H) f32: h and c after each row's last valid step. */
  readonly state: Tensor;
}

interface LstmProblem {
  readonly batch: number;
  readonly time: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly directions: number;
  readonly dtype: Dtype;
}

/** Batch rows of a lane of the shuffle kernel. More than this gain nothing (measured) and take long to compile. */
const rowsEach = 8;

export const lstmOperation = defineOperation<FlatOperands, Record<never, never>, LstmProblem, LstmOutputs>({
  name: 'lstm',
  operands: flatOperands,
  options: {},
  problem({ input, lengths, state, ...weights }) {
    expectDtype(input, 'input', 'f32', 'f16');
    const [batch, time, inputs] = input.shape;
    if (input.rank !== 3) throw new ShapeError(`input must be (B, T, I), not ${input}`);
    const { weightHh } = weights;
    if (weightHh.rank !== 2) throw new ShapeError(`weightHh must be (4H, H), not ${weightHh}`);
    const hidden = weightHh.shape[1]!;
    const sides = { weightIh: [inputs!], weightHh: [hidden], biasIh: [], biasHh: [] };
    const directions = weightNames.some((name) => weights[`${name}Reverse`]) ? 2 : 1;
    for (const suffix of directions === 2 ? (['', 'Reverse'] as const) : ([''] as const)) {
      for (const name of weightNames) {
        const weight = weights[`${name}${suffix}`];
        if (!weight) throw new ShapeError(`${name}${suffix} is missing beside the other weights`);
        expectDtype(weight, name + suffix, input.dtype);
        expectShape(weight, name + suffix, [4 * hidden, ...sides[name]]);
      }
    }
    if (lengths) {
      expectDtype(lengths, 'lengths', 'u32');
      expectShape(lengths, 'lengths', [batch!]);
    }
    if (state) {
      expectDtype(state, 'state', 'f32');
      expectShape(state, 'state', [2, batch!, directions, hidden]);
    }
    return {
      batch: batch!,
      time: time!,
      inputs: inputs!,
      hidden,
      directions,
      dtype: input.dtype,
    };
  },
  outputs: ({ batch, time, hidden, directions, dtype }) => ({
    output: { shape: [batch, time, directions * hidden], dtype },
    state: { shape: [2, batch, directions, hidden], dtype: 'f32' },
  }),
  variants: [
    {
      name: 'persistent',
      // h twice and c are in workgroup memory.
      suits: ({ limits }, { hidden }) => 3 * 4 * capacity(hidden) <= limits.maxComputeWorkgroupStorageSize,
      meantFor: ['hardware'],
      run(runtime, operands, { output, state }, { batch, time, hidden, directions, dtype }) {
        const { weight, ...shared } = prepared(operands);
        runtime.launch({
          kernel: lstmPersistentKernel,
          constants: { Element: dtype, CAPACITY: capacity(hidden) },
          buffers: {
            ...shared,
            weight: transpose(weight.reshape([directions, 4 * hidden, hidden])),
            initial: operands.state,
            state,
            out: output,
          },
          params: {
            batch,
            time,
            hidden,
            directions,
            has_state: operands.state ? 1 : 0,
            has_lengths: operands.lengths ? 1 : 0,
          },
          workgroups: spread(batch * directions, 1),
        });
      },
    },
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run(runtime, operands, outputs, problem) {
        const { batch, hidden, directions } = problem;
        const lanes = runtime.traits.subgroupMaxSize;
        const rows = batch === 1 ? 1 : rowsEach;
        stepByStep(runtime, operands, outputs, problem, {
          kernel: lstmStepShuffleKernel,
          constants: { WORKGROUP: lanes, ROWS: rows },
          workgroups: spread(directions * Math.ceil(batch / rows) * Math.ceil(hidden / lanes), 1),
        });
      },
    },
    {
      name: 'plain',
      suits: () => true,
      run(runtime, operands, outputs, problem) {
        stepByStep(runtime, operands, outputs, problem, {
          kernel: lstmStepPlainKernel,
          workgroups: spread(problem.batch * problem.directions * problem.hidden),
        });
      },
    },
  ],
  flops: ({ batch, time, inputs, hidden, directions }) =>
    2 * batch * time * directions * 4 * hidden * (inputs + hidden),
  reduction: ({ inputs, hidden }) => inputs + hidden,
});

const weightNames = ['weightIh', 'weightHh', 'biasIh', 'biasHh'] as const;

/** Units that the persistent kernel is compiled for: one kernel serves a range of sizes. */
function capacity(hidden: number): number {
  return Math.ceil(hidden / 256) * 256;
}

/** What all kernels read: the projected input of each direction, and both directions' recurrent weights as one. */
function prepared(operands: FlatOperands) {
  const { input, weightIh, weightHh, biasIh, biasHh, lengths } = operands;
  const { weightIhReverse, weightHhReverse, biasIhReverse, biasHhReverse } = operands;
  const project = (weight: Tensor, bias: Tensor | undefined) =>
    linear({ input, weight, bias }, { outDtype: 'f32' });
  return {
    x: project(weightIh, biasIh),
    x_reverse: weightIhReverse && project(weightIhReverse, biasIhReverse),
    weight: weightHhReverse ? concat([weightHh, weightHhReverse], 0) : weightHh,
    bias: biasHhReverse ? concat([biasHh, biasHhReverse], 0) : biasHh,
    lengths,
  };
}

/** Launches a step kernel for every time step. The state goes to and fro between two tensors, and ends in the output. */
function stepByStep(
  runtime: Runtime,
  operands: FlatOperands,
  { output, state }: LstmOutputs,
  { batch, time, hidden, directions, dtype }: LstmProblem,
  launch: Pick<Launch, 'kernel' | 'constants' | 'workgroups'>,
): void {
  const shared = prepared(operands);
  const other = runtime.empty(state.shape, state.dtype);
  let previous = operands.state;
  for (let step = 0; step < time; step++) {
    const next = (time - 1 - step) % 2 === 0 ? state : other;
    runtime.launch({
      ...launch,
      constants: { ...launch.constants, Element: dtype },
      buffers: { ...shared, previous, next, out: output },
      params: {
        batch,
        time,
        hidden,
        directions,
        step,
        has_previous: previous ? 1 : 0,
        has_lengths: operands.lengths ? 1 : 0,
      },
    });
    previous = next;
  }
}

const lstmRules: Rules<LstmOperands> = {
  input: anyTensor,
  forward: object as unknown as Rule<LstmWeights>,
  reverse: optional(object as unknown as Rule<LstmWeights>),
  lengths: optional(anyTensor),
  state: optional(anyTensor),
};

/**
 * One layer of a long short-term memory over `input` (B, T, I), in one direction or two, with the semantics of
 * PyTorch's `nn.LSTM` (batch first); with `lengths` those of a packed sequence, and a row of length 0 keeps its state.
 * Sums, states and cells are f32 in either storage type.
 * @throws ShapeError, DtypeError
 */
export function lstm(operands: LstmOperands): LstmOutputs {
  checkFields('lstm', operands, lstmRules, 'operand');
  const { input, forward, reverse, lengths, state } = operands;
  checkOperands('lstm: forward', forward, weightKinds);
  if (reverse) checkOperands('lstm: reverse', reverse, weightKinds);
  return lstmOperation.run(
    {
      input,
      ...forward,
      weightIhReverse: reverse?.weightIh,
      weightHhReverse: reverse?.weightHh,
      biasIhReverse: reverse?.biasIh,
      biasHhReverse: reverse?.biasHh,
      lengths,
      state,
    },
    {},
  );
}
