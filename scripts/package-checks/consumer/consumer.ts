// What a project does with the package; compiled by scripts/check-package.mjs, never run.
import {
  type AttentionOptions,
  attention,
  Runtime,
  type RuntimeOptions,
  TalError,
  type Tensor,
} from 'tal-webgpu';
import {
  encodeSafetensors,
  type Features,
  loadFeatures,
  type NumericArray,
  openSafetensors,
  openVideo,
  readNpz,
  type StoredTensor,
  writeNpy,
} from 'tal-webgpu/data';
import { Cmcs, type Localization, localizeActions } from 'tal-webgpu/models/wtal';
import { Linear, Module, saveModel } from 'tal-webgpu/nn';
import { mul, softmax, sum } from 'tal-webgpu/ops';
import { AdamW, constantLearningRate, valueAndGrad } from 'tal-webgpu/train';

const options: RuntimeOptions = { adapter: 'software' };

class Net extends Module {
  readonly first: Linear;

  constructor(runtime: Runtime) {
    super(runtime);
    this.first = this.child('first', new Linear(runtime, 4, 2));
  }

  forward(x: Tensor): Tensor {
    return softmax(this.first.forward(x));
  }
}

export async function attend(
  numbers: Float32Array,
  given: AttentionOptions = {},
): Promise<Float32Array | undefined> {
  const runtime = await Runtime.create(options);
  try {
    using query = runtime.tensor(numbers, [1, 8, 512, 64]);
    const { output } = attention({ query, key: query, value: query }, given);
    const found = await output.read();
    return found instanceof Float32Array ? found : undefined;
  } catch (error) {
    if (error instanceof TalError) throw new Error(`${error.code}: ${error.message}`);
    throw error;
  } finally {
    runtime.destroy();
  }
}

export async function trainAndSave(runtime: Runtime, folder: string): Promise<Uint8Array> {
  const net = new Net(runtime).initialize(1);
  const x = runtime.tensor([1, 2, 3, 4], [1, 4]);
  const optimizer = new AdamW(net.weights(), { weightDecay: 0.01 });
  const step = await runtime.capture(() => {
    const { value, gradients } = valueAndGrad(net.weights(), () => sum(mul(net.forward(x), net.forward(x))));
    optimizer.update(gradients);
    return value;
  });
  optimizer.prepare(0, constantLearningRate(1e-3)(0));
  step.run();
  await saveModel(folder, net, { inputs: 4 });
  const state: Record<string, NumericArray> = await net.state();
  const [first] = Object.values(await net.state());
  if (first) writeNpy(first.data, [first.data.length]);
  return encodeSafetensors(state, { format: 'pt' });
}

export async function localize(runtime: Runtime, path: string): Promise<Localization> {
  const features: Features = await loadFeatures([path], {
    crop: 'mean',
    onSkipped: (name, kind) => `${name} ${kind}`,
  });
  const checkpoint = await openSafetensors('model.safetensors');
  const tensors: ReadonlyMap<string, StoredTensor> = checkpoint.tensors;
  const model = await Cmcs.load(runtime, checkpoint);
  return localizeActions(model, features, [...tensors.keys()], 10);
}

export async function arrays(bytes: Uint8Array): Promise<NumericArray | undefined> {
  const video = await openVideo('video.mp4');
  await video.close();
  return (await readNpz(bytes, 'x.npz', { names: ['feature'] })).get('feature');
}
