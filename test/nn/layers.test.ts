import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { OptionError } from '../../src/errors.js';
import { Conv1d, Conv2d } from '../../src/nn/conv.js';
import { Embedding } from '../../src/nn/embedding.js';
import { Linear } from '../../src/nn/linear.js';
import { Lstm, type LstmOptions } from '../../src/nn/lstm.js';
import { Mlp } from '../../src/nn/mlp.js';
import type { Module } from '../../src/nn/module.js';
import { MultiHeadAttention, type MultiHeadAttentionOptions } from '../../src/nn/multi-head-attention.js';
import { BatchNorm1d, GroupNorm, LayerNorm } from '../../src/nn/norm.js';
import { PRelu } from '../../src/nn/prelu.js';
import { SinePositions } from '../../src/nn/sine-positions.js';
import { TransformerBlock, type TransformerBlockOptions } from '../../src/nn/transformer.js';
import { add, mul } from '../../src/ops/array/binary.js';
import { concat } from '../../src/ops/array/concat.js';
import { transpose } from '../../src/ops/array/permute.js';
import { sum } from '../../src/ops/array/reduce.js';
import { narrow } from '../../src/ops/array/slice.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

// Layers of PyTorch with an input and PyTorch's answer; made by torch-layers.py. This runs in dist/test/nn.
const stored = await openSafetensors(
  fileURLToPath(new URL('../../../test/nn/torch-layers.safetensors', import.meta.url)),
);

const layers: Record<string, (runtime: Runtime) => Module & { forward(input: Tensor): Tensor }> = {
  linear: (runtime) => new Linear(runtime, 5, 3),
  linear_without_bias: (runtime) => new Linear(runtime, 5, 3, { bias: false }),
  conv1d: (runtime) => new Conv1d(runtime, 3, 4, 3, { padding: 1 }),
  conv1d_strided: (runtime) => new Conv1d(runtime, 3, 4, 3, { stride: 2, dilation: 2, bias: false }),
  conv2d: (runtime) => new Conv2d(runtime, 3, 4, [3, 5], { padding: [1, 2] }),
  embedding: (runtime) => new Embedding(runtime, 6, 3),
  layer_norm: (runtime) => new LayerNorm(runtime, 6),
  layer_norm_plain: (runtime) => new LayerNorm(runtime, 6, { eps: 0.1, affine: false }),
  group_norm: (runtime) => new GroupNorm(runtime, 2, 6),
  batch_norm1d: (runtime) => new BatchNorm1d(runtime, 4),
  mlp: (runtime) => new Mlp(runtime, 5, 6, 3, { layers: 3 }),
  prelu: (runtime) => new PRelu(runtime),
};

const recurrent: Record<string, LstmOptions> = {
  lstm: {},
  lstm_deep: { layers: 3, bidirectional: true },
  lstm_lengths: { layers: 2, bidirectional: true },
};

const storedOperands = ['key', 'value', 'mask', 'memory', 'memory_mask', 'positions', 'memory_positions'];

type Operands = Readonly<Record<string, Tensor>>;

/** Attention whose probabilities and gradients were stored too. */
const weighing: Record<string, MultiHeadAttentionOptions> = {
  attention_weights: { dropout: 0.5 },
  attention_widths: { keyWidth: 6, valueWidth: 5 },
};

/** Attention and blocks of Transformers: how they are made, and called with what was stored beside the input. */
const attending: Record<
  string,
  (runtime: Runtime) => readonly [Module, (input: Tensor, operands: Operands) => Tensor]
> = {
  attention: attentionOf,
  attention_cross: attentionOf,
  attention_memory: attentionOf,
  transformer_post: (runtime) => blockOf(runtime, {}),
  transformer_pre: (runtime) => blockOf(runtime, { norm: 'pre', activation: 'gelu' }),
  transformer_prelu: (runtime) => blockOf(runtime, { activation: 'prelu', dropPath: true }),
  transformer_decoder: (runtime) => blockOf(runtime, { crossAttention: true }),
  transformer_decoder_pre: (runtime) => blockOf(runtime, { crossAttention: true, norm: 'pre' }),
  transformer_positions: (runtime) => blockOf(runtime, {}),
  transformer_positions_pre: (runtime) => blockOf(runtime, { norm: 'pre' }),
  transformer_decoder_positions: (runtime) => blockOf(runtime, { crossAttention: true }),
  transformer_decoder_positions_pre: (runtime) => blockOf(runtime, { crossAttention: true, norm: 'pre' }),
};

function attentionOf(runtime: Runtime) {
  const layer = new MultiHeadAttention(runtime, 8, 2);
  const call = (query: Tensor, { key, value, mask }: Operands) =>
    layer.forward(query, { key, value, keyMask: mask });
  return [layer, call] as const;
}

function blockOf(runtime: Runtime, options: Partial<TransformerBlockOptions>) {
  const layer = new TransformerBlock(runtime, 8, { heads: 2, intermediate: 12, dropout: 0.5, ...options });
  const call = (x: Tensor, operands: Operands) => {
    const { mask, memory, memory_mask: memoryMask, positions, memory_positions: memoryPositions } = operands;
    return layer.forward(x, {
      ...{ keyMask: mask, positions },
      ...(memory && { memory, memoryMask, memoryPositions }),
      // The blocks without positions were made with this mask.
      ...(memory && !positions && { mask: { kind: 'causal' } }),
    });
  };
  return [layer, call] as const;
}

/** The state dict of one of PyTorch's layers, as a checkpoint of its own. */
async function checkpointOf(layer: string) {
  const state: Record<string, NumericArray> = {};
  for (const name of stored.tensors.keys()) {
    const [owner, kind, own] = name.split('/');
    if (owner === layer && kind === 'state') state[own!] = await stored.read(name);
  }
  return openSafetensors(encodeSafetensors(state), layer);
}

const runtime = await testRuntime();

/** An operand that was stored; ids become u32. */
async function operand(name: string): Promise<Tensor> {
  const { data, shape, dtype } = await stored.read(name);
  return runtime.tensor(
    Array.from(data as ArrayLike<number>, Number),
    shape,
    dtype === 'f32' ? 'f32' : 'u32',
  );
}

/** Holds that a tensor is what PyTorch gave. */
async function expectStored(actual: Tensor, name: string): Promise<void> {
  const { shape, data } = await stored.read(name);
  assert.deepEqual(actual.shape, shape, name);
  const error = relativeError(await actual.read(), data as Float32Array);
  assert.ok(error < 1e-5, `${name} has error ${error}`);
}

describe('layers agree with PyTorch’s', () => {
  for (const [name, make] of Object.entries(layers)) {
    it(name, async () => {
      const { usedBytes } = runtime.memory;
      const layer = make(runtime);
      await layer.load(await checkpointOf(name));
      const input = await operand(`${name}/input`);
      const output = layer.forward(input);
      await expectStored(output, `${name}/output`);
      for (const each of [input, output, layer]) each.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes);
    });
  }

  for (const [name, make] of Object.entries(attending)) {
    it(name, async () => {
      const { usedBytes } = runtime.memory;
      const [layer, call] = make(runtime);
      await layer.load(await checkpointOf(name));
      const input = await operand(`${name}/input`);
      const operands: Record<string, Tensor> = {};
      for (const more of storedOperands) {
        if (stored.tensors.has(`${name}/${more}`)) operands[more] = await operand(`${name}/${more}`);
      }
      const output = call(input, operands);
      await expectStored(output, `${name}/output`);
      for (const each of [input, output, layer, ...Object.values(operands)]) each.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes);
    });
  }

  for (const [name, options] of Object.entries(weighing)) {
    it(`${name}, with probabilities and gradients`, async () => {
      const { usedBytes } = runtime.memory;
      const layer = new MultiHeadAttention(runtime, 8, 2, options);
      await layer.load(await checkpointOf(name));
      const [query, key, value] = [
        await operand(`${name}/input`),
        await operand(`${name}/key`),
        await operand(`${name}/value`),
      ];
      const keyMask = stored.tensors.has(`${name}/mask`) ? await operand(`${name}/mask`) : undefined;
      const [ofOutput, ofWeights] = [
        await operand(`${name}/output_factor`),
        await operand(`${name}/weights_factor`),
      ];
      const inputs = { key, value, keyMask };
      const fused = layer.forward(query, inputs);
      await expectStored(fused, `${name}/output`);
      const means = layer.forwardWithWeights(query, inputs);
      await expectStored(means.weights, `${name}/mean_weights`);
      const each = layer.forwardWithWeights(query, inputs, { perHead: true });
      await expectStored(each.weights, `${name}/weights`);
      await expectStored(each.output, `${name}/output`);
      const parameters = { query, key, value, ...layer.weights() };
      const { value: loss, gradients } = valueAndGrad(parameters, () => {
        const { output, weights } = layer.forwardWithWeights(query, inputs, { perHead: true });
        return add(sum(mul(output, ofOutput)), sum(mul(weights, ofWeights)));
      });
      for (const [at, gradient] of Object.entries(gradients)) {
        await expectStored(gradient, `${name}/gradient/${at}`);
      }
      const tensors = [
        query,
        key,
        value,
        keyMask,
        ofOutput,
        ofWeights,
        fused,
        loss,
        ...Object.values(gradients),
      ];
      for (const tensor of [...tensors, ...Object.values(means), ...Object.values(each)]) tensor?.dispose();
      layer.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes);
    });
  }

  it('sine positions', async () => {
    using positions = new SinePositions(runtime, 6);
    const at = [0, 0.125, 1, 2.5];
    const found = positions.forward(runtime.tensor(at, [2, 2]));
    assert.deepEqual(found.shape, [2, 2, 6]);
    const wanted = at.flatMap((x) =>
      [0, 1, 2].flatMap((i) => {
        const angle = (2 * Math.PI * x) / 10_000 ** ((2 * i) / 6);
        return [Math.sin(angle), Math.cos(angle)];
      }),
    );
    assert.ok(relativeError(await found.read(), Float32Array.from(wanted)) < 1e-5);
    assert.throws(() => new SinePositions(runtime, 3), OptionError);
  });

  for (const [name, options] of Object.entries(recurrent)) {
    it(name, async () => {
      const { usedBytes } = runtime.memory;
      const layer = new Lstm(runtime, 3, 4, options);
      await layer.load(await checkpointOf(name));
      const input = await operand(`${name}/input`);
      const lengths = stored.tensors.has(`${name}/lengths`) ? await operand(`${name}/lengths`) : undefined;
      const { output, states } = layer.forward(input, lengths && { lengths });
      await expectStored(output, `${name}/output`);
      // Ours are (2, B, D, H) a layer; PyTorch's h and c (layers D, B, H) each.
      const [hidden, cell] = [0, 1].map((which) =>
        runtime.scope(() =>
          concat(
            states.map((state) => lastStates(state, which)),
            0,
          ),
        ),
      );
      await expectStored(hidden!, `${name}/hidden`);
      await expectStored(cell!, `${name}/cell`);
      for (const each of [input, lengths, output, ...states, hidden, cell, layer]) each?.dispose();
      assert.equal(runtime.memory.usedBytes, usedBytes);
    });
  }
});

/** h (0) or c (1) of a layer's state (2, B, D, H), as (D, B, H). */
function lastStates(state: Tensor, which: number): Tensor {
  return transpose(narrow(state, 0, which, 1).reshape(state.shape.slice(1)), 0, 1);
}
