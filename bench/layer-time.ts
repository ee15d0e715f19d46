import type { LanguageConfig } from '../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../src/models/mdvlm/language/language-model.js';
import { defaultSizes, plannedModels, positionsOf } from '../src/models/mdvlm/plan/planned-model.js';
import { countedFlops, stepCost } from '../src/models/mdvlm/plan/step-cost.js';
import { type WeightStorage, weightStorages } from '../src/nn/weight-storage.js';
import { scaleShift } from '../src/ops/array/unary.js';
import { Random } from '../src/ops/random/random.js';
import type { Runtime } from '../src/tensor/runtime.js';
import { sizeOf } from '../src/tensor/shape.js';
import { type Contender, interleave, type Timing } from './measure.js';

const model = plannedModels['llada-v-8b'];

/** One of its layers, and next to nothing around it. */
const layerConfig: LanguageConfig = { ...model.language, layers: 1, vocabulary: 2, maskId: 1 };

/** A whole step, which only GPUs have the time for. */
const stepSizes = defaultSizes(model);

export interface LayerTime {
  readonly positions: number;
  /** Of the layer. */
  readonly flops: number;
  /** Milliseconds of the layer and a norm, for each way to store the weights that the adapter has. */
  readonly timings: Readonly<Record<string, Timing>>;
  /** By how much a whole denoising step, with all layers and positions, is more floating-point operations. */
  readonly stepFactor: number;
}

/** Times a layer of LLaDA 8B with random weights, stored in every way, in turn. */
export async function measureLayer(runtime: Runtime, rounds: number): Promise<LayerTime> {
  const { deviceClass, f16 } = runtime.traits;
  const positions = deviceClass === 'software' ? 64 : positionsOf(model, stepSizes);
  const { hidden } = layerConfig;
  const random = new Random(runtime, 1);
  const embeddings = random.normal([1, positions, hidden]);
  const contenders: Contender[] = [];
  let flops = 0;
  for (const storage of weightStorages) {
    if (storage === 'f16' && !f16) continue;
    const layer = new LanguageModel(runtime, layerConfig, { weights: storage, maxLength: positions });
    await fillWithRandom(layer, random);
    flops = countedFlops(runtime, () => layer.forward(embeddings));
    contenders.push({
      name: storage,
      async run(repeats) {
        for (let i = 0; i < repeats; i++) layer.forward(embeddings).dispose();
        await runtime.finish();
      },
      dispose: () => layer.dispose(),
    });
  }
  const timings = await interleave(contenders, rounds);
  for (const contender of contenders) contender.dispose?.();
  for (const each of [embeddings, random]) each.dispose();
  const step = await stepCost(model, stepSizes, 'f32', runtime.traits);
  return {
    positions,
    flops,
    timings: Object.fromEntries(timings),
    stepFactor: step.flops.total / flops,
  };
}

/** Weights as LLaDA starts from, made on the device a part at a time. */
async function fillWithRandom(layer: LanguageModel, random: Random): Promise<void> {
  for (const [, weight] of layer.storedWeights()) {
    const size = sizeOf(weight.shape);
    const step = weight.partAlignment * Math.ceil(2 ** 22 / weight.partAlignment);
    for (let start = 0; start < size; start += step) {
      const end = Math.min(start + step, size);
      weight.fill(start, end, (part) => {
        part.assign(scaleShift(random.normal([end - start], part.dtype as 'f32' | 'f16'), 0.02, 0));
      });
      await layer.runtime.flush();
    }
  }
}

export function printLayerTime({ positions, flops, timings, stepFactor }: LayerTime): void {
  const slowest = timings['f32' satisfies WeightStorage]!.median;
  const { layers } = model.language;
  const rows = Object.entries(timings).map(([storage, { median, min, max }]) => {
    const range = `${median.toFixed(1)} (${min.toFixed(1)}-${max.toFixed(1)})`;
    const step = ((median * stepFactor) / 1000).toFixed(1);
    return [storage, range, (flops / median / 1e6).toFixed(1), (slowest / median).toFixed(2), step];
  });
  console.log(
    [
      `one layer of LLaDA 8B, ${positions} positions, ${(flops / 1e9).toFixed(1)} GFLOP`,
      ['weights', 'ms (min-max)', 'GFLOP/s', 'times f32', 'step, s'],
      ...rows,
      `step, s: projected, not measured: ${layers} layers over ${positionsOf(model, stepSizes)} positions (${stepSizes.frames} frames) and the last layer,` +
        ` ${stepFactor.toFixed(0)} times the operations at the same speed`,
    ]
      .map((line) =>
        typeof line === 'string'
          ? line
          : `  ${line.map((cell, i) => (i ? cell.padStart(i === 1 ? 28 : 12) : cell.padEnd(10))).join('')}`,
      )
      .join('\n'),
  );
}
