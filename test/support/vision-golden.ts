import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The weights, operands and answers that test/models/vision-twin.py stored. */
export class VisionGolden {
  private constructor(readonly stored: Safetensors) {}

  static async open(): Promise<VisionGolden> {
    // Compiled tests run from dist/test/…
    const path = '../../../test/models/golden/vision.safetensors';
    return new VisionGolden(
      await openSafetensors(await readFile(new URL(path, import.meta.url)), 'the vision golden'),
    );
  }

  async numbers(name: string): Promise<Float32Array> {
    return toFloat32(await this.stored.read(name));
  }

  async tensor(runtime: Runtime, name: string): Promise<Tensor> {
    const { shape } = this.stored.tensors.get(name)!;
    return runtime.tensor(await this.numbers(name), shape);
  }

  /** The names of the weights, as LLaVA has them. */
  get weightNames(): string[] {
    return [...this.stored.tensors.keys()].flatMap((name) =>
      name.startsWith('weight/') ? [name.slice('weight/'.length)] : [],
    );
  }

  /** The weights as LLaVA stores and names them. */
  async weights(): Promise<Record<string, NumericArray>> {
    const arrays = this.weightNames.map(
      async (name) => [name, await this.stored.read(`weight/${name}`)] as const,
    );
    return Object.fromEntries(await Promise.all(arrays));
  }

  /** A checkpoint of the weights whose name begins with `prefix`, under `instead` and what follows, and of more. */
  async checkpoint(
    prefix = '',
    instead = prefix,
    more: Readonly<Record<string, NumericArray>> = {},
  ): Promise<Safetensors> {
    const tensors: Record<string, NumericArray> = { ...more };
    for (const name of this.weightNames) {
      if (!name.startsWith(prefix)) continue;
      tensors[instead + name.slice(prefix.length)] = await this.stored.read(`weight/${name}`);
    }
    return openSafetensors(encodeSafetensors(tensors), 'a checkpoint');
  }
}
