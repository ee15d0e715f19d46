import { type OnnxGraph, onnxGraphs } from './onnx-graphs.js';
import { elements, onnxModel } from './onnx-model.js';
import type { Onnxruntime, OnnxSession, OnnxTensor } from './onnxruntime.js';
import { type Peer, type PreparedJob, peerVersion, requirePeer } from './peer.js';

const common = {
  // Threads that wait for work by spinning would take the cores of whoever is measured next.
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  logSeverityLevel: 3, // errors
};

/** onnxruntime for Node with one of its execution providers; `webgpu` has a Dawn of its own. */
export async function onnxruntimeNode(provider: 'webgpu' | 'cpu'): Promise<Peer> {
  const ort = requirePeer('onnxruntime-node') as Onnxruntime;
  return {
    name: `onnxruntime-node ${provider}`,
    version: peerVersion('onnxruntime-node'),
    ways: (job) =>
      onnxGraphs(job).map((graph) => ({
        ...(graph.note && { note: graph.note }),
        prepare: () => (provider === 'cpu' ? prepareCpu(ort, graph) : prepareWebgpu(ort, graph)),
      })),
    close() {},
  };
}

async function prepareCpu(ort: Onnxruntime, { model, inputs, restore }: OnnxGraph): Promise<PreparedJob> {
  const session = await ort.InferenceSession.create(model, { executionProviders: ['cpu'], ...common });
  const feeds = Object.fromEntries(
    inputs.map(({ name, type, shape, data }) => [name, new ort.Tensor(type, elements(type, data), shape)]),
  );
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) await session.run(feeds);
    },
    async output() {
      const { out } = await session.run(feeds);
      return restore(out!.data);
    },
    dispose: () => session.release(),
  };
}

/** Operands and results stay on the device: an Identity whose input or output is there carries them across. */
async function prepareWebgpu(
  ort: Onnxruntime,
  { model, inputs, output, restore }: OnnxGraph,
): Promise<PreparedJob> {
  const onDevice = { executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer', ...common };
  const onHost = { executionProviders: ['webgpu'], ...common };
  const create = (bytes: Uint8Array, options: object) => ort.InferenceSession.create(bytes, options);
  const session = await create(model, onDevice);
  const feeds: Record<string, OnnxTensor> = {};
  /** What made a tensor must outlive it. */
  const uploads: OnnxSession[] = [];
  for (const { name, type, shape, data } of inputs) {
    const upload = await create(identity(type, shape), onDevice);
    feeds[name] = (await upload.run({ x: new ort.Tensor(type, elements(type, data), shape) })).out!;
    uploads.push(upload);
  }
  const download = await create(identity(output.type, output.shape), onHost);
  const first = await create(identity(output.type, [1]), onHost);
  return {
    async run(repeats) {
      for (let i = 1; i < repeats; i++) (await session.run(feeds)).out!.dispose();
      const { out } = await session.run(feeds);
      // The first element comes back when all before it is done.
      await first.run({ x: ort.Tensor.fromGpuBuffer(out!.gpuBuffer, { dataType: output.type, dims: [1] }) });
      out!.dispose();
    },
    async output() {
      const { out } = await session.run(feeds);
      const { out: copy } = await download.run({ x: out! });
      out!.dispose();
      return restore(copy!.data);
    },
    async dispose() {
      for (const tensor of Object.values(feeds)) tensor.dispose();
      for (const each of [session, download, first, ...uploads]) await each.release();
    },
  };
}

function identity(type: OnnxGraph['output']['type'], shape: readonly number[]): Uint8Array {
  return onnxModel({
    nodes: [{ type: 'Identity', inputs: ['x'], outputs: ['out'] }],
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'out', type, shape }],
  });
}
