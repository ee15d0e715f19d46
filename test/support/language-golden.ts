import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/safetensors.js';
import { parseLanguageConfig } from '../../src/models/mdvlm/language-config.js';
import { LanguageModel, type LanguageModelOptions } from '../../src/models/mdvlm/language-model.js';
import { languageTensorName } from '../../src/models/mdvlm/tensor-names.js';
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
