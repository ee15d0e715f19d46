import type { HostTensor } from '../../cases/support/host.js';
import type { Job } from './jobs.js';
import { permuted } from './layout.js';
import { type OnnxConstant, type OnnxNode, type OnnxType, type OnnxValue, onnxModel } from './onnx-model.js';

/** A job as an ONNX model, in the layouts that ONNX wants. */
export interface OnnxGraph {
  readonly model: Uint8Array;
  readonly inputs: readonly OnnxConstant[];
  readonly output: OnnxValue;
  readonly note?: string;
  /** Puts the elements of the output in the order of the job's. */
  restore(data: ArrayLike<number>): ArrayLike<number>;
}

/** The ways to do a job with the operators of ONNX and of onnxruntime. */
export function onnxGraphs(job: Job): readonly OnnxGraph[] {
  switch (job.kind) {
    case 'matmul':
      return [
        graph({
          nodes: [node('MatMul', ['a', 'b'], 'out')],
          inputs: [input('a', job.a), input('b', job.b)],
          outShape: [job.a.shape[0]!, job.b.shape[1]!],
        }),
      ];
    case 'attention': {
      const { query, key, value } = job;
      const [batch, heads, length, size] = query.shape as [number, number, number, number];
      const outShape = [batch, length, heads * size];
      const byPosition = (name: string, { shape, data }: HostTensor): OnnxConstant => ({
        ...{ name, type: 'float32', shape: outShape, data: permuted(data, shape, [0, 2, 1, 3]) },
      });
      const names = ['query', 'key', 'value'];
      const fused = node('MultiHeadAttention', names, 'out', { num_heads: heads });
      return [
        graph({
          note: 'MultiHeadAttention of com.microsoft, fused',
          nodes: [{ ...fused, domain: 'com.microsoft' }],
          inputs: [byPosition('query', query), byPosition('key', key), byPosition('value', value)],
          outShape,
          restore: (data) => permuted(data, [batch, length, heads, size], [0, 2, 1, 3]),
        }),
        // ONNX's own Attention is left out: the WebGPU provider has none, and the CPU would do it.
        graph({
          note: 'composed of Transpose, MatMul, Mul, Softmax, MatMul',
          nodes: [
            node('Transpose', ['key'], 'columns', { perm: [0, 1, 3, 2] }),
            node('MatMul', ['query', 'columns'], 'products'),
            node('Mul', ['products', 'scale'], 'scores'),
            node('Softmax', ['scores'], 'weights', { axis: -1 }),
            node('MatMul', ['weights', 'value'], 'out'),
          ],
          inputs: [input('query', query), input('key', key), input('value', value)],
          constants: [{ name: 'scale', type: 'float32', shape: [1], data: [1 / Math.sqrt(size)] }],
          outShape: query.shape,
        }),
      ];
    }
    case 'conv2d': {
      const [, , ...image] = job.input.shape;
      const [outChannels, , ...sides] = job.weight.shape as [number, number, number, number];
      const half = sides.map((side) => (side - 1) / 2);
      return [
        graph({
          nodes: [
            node('Conv', ['input', 'weight'], 'out', { kernel_shape: sides, pads: [...half, ...half] }),
          ],
          inputs: [input('input', job.input)],
          constants: [input('weight', job.weight)],
          outShape: [job.input.shape[0]!, outChannels, ...image],
          note: 'the weight is a constant of the model, which may be repacked once',
        }),
      ];
    }
    case 'softmax':
      return [
        graph({
          nodes: [node('Softmax', ['x'], 'out', { axis: -1 })],
          inputs: [input('x', job.x)],
          outShape: job.x.shape,
        }),
      ];
    case 'layerNorm':
      return [
        graph({
          nodes: [
            node('LayerNormalization', ['x', 'weight', 'bias'], 'out', {
              axis: -1,
              epsilon: { float: job.eps },
            }),
          ],
          inputs: [input('x', job.x)],
          constants: [input('weight', job.weight), input('bias', job.bias)],
          outShape: job.x.shape,
        }),
      ];
    case 'sampling': {
      const length = job.tokens.data.length;
      return [
        graph({
          nodes: [
            node('Softmax', ['logits'], 'probabilities', { axis: -1 }),
            node('ArgMax', ['logits'], 'columns', { axis: -1, keepdims: 1 }),
            node('GatherElements', ['probabilities', 'columns'], 'chances', { axis: 1 }),
            node('Reshape', ['chances', 'flat'], 'sure'),
            node('Equal', ['tokens', 'maskId'], 'masked'),
            node('Where', ['masked', 'sure', 'never'], 'confidence'),
            { ...node('TopK', ['confidence', 'commits'], 'best'), outputs: ['best', 'places'] },
            node('Reshape', ['columns', 'flat'], 'ids'),
            node('Cast', ['ids'], 'candidates', { to: 6 }), // int32
            node('Gather', ['candidates', 'places'], 'committed'),
            node('ScatterElements', ['tokens', 'places', 'committed'], 'out'),
          ],
          inputs: [input('logits', job.logits), { ...input('tokens', job.tokens), type: 'int32' }],
          constants: [
            { name: 'flat', type: 'int64', shape: [1], data: [-1] },
            { name: 'commits', type: 'int64', shape: [1], data: [job.commits] },
            { name: 'maskId', type: 'int32', shape: [1], data: [job.maskId] },
            { name: 'never', type: 'float32', shape: [1], data: [-1] },
          ],
          outShape: [length],
          outType: 'int32',
          note: 'composed of Softmax, ArgMax, GatherElements, TopK, Gather, ScatterElements',
        }),
      ];
    }
  }
}

function graph(parts: {
  nodes: readonly OnnxNode[];
  inputs: readonly OnnxConstant[];
  constants?: readonly OnnxConstant[];
  outShape: readonly number[];
  outType?: OnnxType;
  note?: string;
  restore?(data: ArrayLike<number>): ArrayLike<number>;
}): OnnxGraph {
  const {
    nodes,
    inputs,
    constants = [],
    outShape,
    outType = 'float32',
    note,
    restore = (data) => data,
  } = parts;
  const output = { name: 'out', type: outType, shape: outShape };
  const model = onnxModel({ nodes, inputs, constants, outputs: [output] });
  return { model, inputs, output, restore, ...(note && { note }) };
}

function node(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: NonNullable<OnnxNode['attributes']> = {},
): OnnxNode {
  return { type, inputs, outputs: [output], attributes };
}

function input(name: string, { shape, data }: HostTensor): OnnxConstant {
  return { name, type: 'float32', shape, data };
}
