import type { WeightStorage } from '../../../nn/weight-storage.js';
import { gatherOperation } from '../../../ops/array/gather.js';
import { attentionOperation } from '../../../ops/attention/attention.js';
import { matmulOperation } from '../../../ops/matmul/matmul.js';
import type { AnyOperation } from '../../../ops/op.js';
import { quantizedLinearOperation } from '../../../ops/quantized/quantized-linear.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { OperationRun, Tape } from '../../../tensor/tape.js';
import type { Storage, Tensor } from '../../../tensor/tensor.js';
import { type PlannedDevice, plannedRuntime, withoutLimits } from './planned-device.js';
import type { PlannedModel, StepSizes } from './planned-model.js';
import { PlannedStep } from './planned-step.js';

/** Floating-point operations of products; a multiplication and its addition are two. */
export interface StepFlops {
  readonly linear: number;
  readonly attention: number;
  /** The last layer, which only answers need. */
  readonly vocabulary: number;
  readonly total: number;
}

export interface StepBytes {
  /** Each weight that takes part once; of the embedding, what stays a row of the sequence. */
  readonly weights: number;
  /** Every operand of every operation once: caches keep what is read again. */
  readonly activations: number;
}

export interface StepCost {
  /** Of one denoising step without guidance and without caches: one pass over the whole sequence. */
  readonly flops: StepFlops;
  /** Of what turns the frames into visual tokens, once for a video. */
  readonly visionFlops: number;
  /** What one denoising step reads at least. */
  readonly bytes: StepBytes;
}

/** What a model's own operations cost in a step, recorded on a device that runs nothing. @throws OptionError */
export async function stepCost(
  model: PlannedModel,
  sizes: StepSizes,
  storage: WeightStorage,
  device: PlannedDevice,
): Promise<StepCost> {
  const able = storage === 'f16' ? { ...device, f16: true } : device;
  const runtime = await plannedRuntime(withoutLimits(able));
  try {
    const step = new PlannedStep(runtime, model, sizes, storage);
    const weights = step.weights().flatMap(({ weight }) => weight.tensors());
    const [watching, layers, last] = [new CostTape(weights), new CostTape(weights), new CostTape(weights)];
    const { maxStorageBufferBindingSize } = device.limits;
    runtime.scope(() => {
      runtime.withTape(watching, () => step.watch(maxStorageBufferBindingSize));
      const states = runtime.withTape(layers, () => step.forward());
      runtime.withTape(last, () => step.lastLayer(states));
    });
    const { linear, attention } = layers.flops;
    const vocabulary = last.flops.linear;
    return {
      flops: { linear, attention, vocabulary, total: linear + attention + vocabulary },
      visionFlops: watching.flops.linear + watching.flops.attention,
      bytes: {
        weights: layers.bytes.weights + last.bytes.weights,
        activations: layers.bytes.activations + last.bytes.activations,
      },
    };
  } finally {
    runtime.destroy();
  }
}

/** Floating-point operations of the products that `body` records. */
export function countedFlops(runtime: Runtime, body: () => unknown): number {
  const tape = new CostTape([]);
  runtime.scope(() => void runtime.withTape(tape, body));
  return tape.flops.linear + tape.flops.attention;
}

/** Adds up what operations cost, and follows no gradients. */
class CostTape implements Tape {
  readonly flops = { linear: 0, attention: 0 };
  readonly #weights: ReadonlyMap<Storage, Tensor>;
  readonly #read = new Set<Tensor>();
  #rows = 0;
  #activations = 0;

  constructor(weights: readonly Tensor[]) {
    this.#weights = new Map(weights.map((tensor) => [tensor.storage, tensor]));
  }

  get bytes(): StepBytes {
    const weights = [...this.#read].reduce((sum, { bytes }) => sum + bytes, this.#rows);
    return { weights, activations: this.#activations };
  }

  follows(): boolean {
    return false;
  }

  recordRun({ operation, inputs, outputs, problem }: OperationRun): void {
    const kind = productKinds.get(operation);
    if (kind) this.flops[kind] += (operation as AnyOperation).spec.flops(problem);
    for (const input of Object.values(inputs)) {
      if (!input) continue;
      const weight = this.#weights.get(input.storage);
      if (!weight) this.#activations += input.bytes;
      else if (operation === gatherOperation) this.#rows += outputs.output!.bytes;
      else this.#read.add(weight);
    }
  }

  record(): void {}

  differentiate(tensors: readonly Tensor[]): readonly undefined[] {
    return tensors.map(() => undefined);
  }
}

const productKinds: ReadonlyMap<object, 'linear' | 'attention'> = new Map<object, 'linear' | 'attention'>([
  [matmulOperation, 'linear'],
  [quantizedLinearOperation, 'linear'],
  [attentionOperation, 'attention'],
]);
