import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import { parseLanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import type { LanguageModelOptions } from '../../src/models/mdvlm/language/language-options.js';
import { languageTensorName } from '../../src/models/mdvlm/language/tensor-names.js';
import { mul } from '../../src/ops/array/binary.js';
import { cast } from '../../src/ops/array/cast.js';
import { sum } from '../../src/ops/array/reduce.js';
import { scaleShift } from '../../src/ops/array/unary.js';
import { linearCrossEntropy } from '../../src/ops/vocabulary/linear-cross-entropy.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The checkpoints of test/models/mdvlm-twin.py. */
export const languageGoldenNames = ['llama', 'llada', 'tied', 'adapted'] as const;

export type LanguageGoldenName = (typeof languageGoldenNames)[number];

/** A decoding of the twin: its options, and the answer after each step. */
export interface GoldenDecoding {
  readonly prompt: readonly number[];
  readonly length: number;
  readonly blockLength: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly trace: readonly (readonly number[])[];
}

/** A small checkpoint with operands and the answers that PyTorch gave to them. */
export class LanguageGolden {
  private constructor(readonly stored: Safetensors) {}

  static async open(name: LanguageGoldenName): Promise<LanguageGolden> {
    // Compiled tests run from dist/test/…
    const path = `../../../test/models/golden/mdvlm-${name}.safetensors`;
    return new LanguageGolden(await openSafetensors(await readFile(new URL(path, import.meta.url)), name));
  }

  /** The `config.json` of the checkpoint. */
  get config(): Record<string, unknown> {
    return JSON.parse(this.stored.metadata.config!);
  }

  get decodings(): readonly GoldenDecoding[] {
    return JSON.parse(this.stored.metadata.decodings!);
  }

  /** The weights as the checkpoint stores and names them. */
  async weights(): Promise<Record<string, NumericArray>> {
    const names = [...this.stored.tensors.keys()].filter((name) => name.startsWith('weight/'));
    const arrays = names.map(
      async (name) => [name.slice('weight/'.length), await this.stored.read(name)] as const,
    );
    return Object.fromEntries(await Promise.all(arrays));
  }

  async model(runtime: Runtime, options: LanguageModelOptions = {}): Promise<LanguageModel> {
    const model = new LanguageModel(runtime, parseLanguageConfig(this.config), options);
    const checkpoint = await openSafetensors(encodeSafetensors(await this.weights()), this.stored.name);
    await model.load(checkpoint.renamed(languageTensorName));
    return model;
  }

  /** Elements of `expected/…` or `gradient/…`. */
  async numbers(name: string): Promise<Float32Array> {
    return toFloat32(await this.stored.read(name));
  }

  /** `input/NAME`, u32. */
  async operand(runtime: Runtime, name: string): Promise<Tensor> {
    const { shape, data } = await this.stored.read(`input/${name}`);
    return runtime.tensor(Uint32Array.from(data as Int32Array), shape, 'u32');
  }
}

/** The rows of (B, L, D) where `seen` is not 0. */
export async function seenRows(x: Tensor, seen: Tensor): Promise<Float32Array> {
  const [data, mask] = [(await x.read()) as Float32Array, await seen.read()];
  const width = data.length / mask.length;
  return data.filter((_, i) => mask[Math.floor(i / width)] !== 0);
}

/** The loss of LLaDA at a mask rate of a half: the cross-entropy of the masked positions. */
export function maskedLoss(
  model: LanguageModel,
  ids: Tensor,
  keyMask: Tensor,
  masked: Tensor,
  targets: Tensor,
): Tensor {
  const hidden = model.forward(model.embed(ids), { keyMask });
  const layer = model.lastLayer(hidden);
  const { loss } = linearCrossEntropy({
    hidden: layer.hidden.reshape([ids.size, -1]),
    weight: layer.weight,
    targets: targets.reshape([-1]),
  });
  const counted = mul(loss, cast(masked, 'f32').reshape([-1]));
  return scaleShift(sum(counted), 2 / ids.size, 0);
}
