import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import type { WtalBase } from '../../src/models/wtal/base.js';
import { type BaseConfig, makeBase } from '../../src/models/wtal/bases/make-base.js';
import type { ObjectiveOperands, WtalObjective } from '../../src/models/wtal/objective.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The configurations of test/models/wtal-twin.py. */
export const wtalGoldenNames = ['co2net', 'co2net-pooled', 'four-head', 'four-head-pooled', 'cmcs'] as const;

/** A small base with weights, operands, and the answers that PyTorch gave to them. */
export class WtalGolden {
  private constructor(
    readonly base: WtalBase,
    readonly stored: Safetensors,
    readonly snippets: Tensor,
    readonly operands: Required<ObjectiveOperands>,
    readonly objectives: Readonly<Record<string, WtalObjective>>,
  ) {}

  static async open(runtime: Runtime, name: (typeof wtalGoldenNames)[number]): Promise<WtalGolden> {
    // Compiled tests run from dist/test/…
    const path = `../../../test/models/golden/wtal-${name}.safetensors`;
    const stored = await openSafetensors(await readFile(new URL(path, import.meta.url)), name);
    const { config, objectives } = stored.metadata as Readonly<Record<string, string>>;
    const base = makeBase(runtime, JSON.parse(config!) as BaseConfig);
    const weights: Record<string, NumericArray> = {};
    for (const name of stored.tensors.keys()) {
      if (name.startsWith('weight/')) weights[name.slice(7)] = await stored.read(name);
    }
    await base.load(await openSafetensors(encodeSafetensors(weights), name));
    const operand = async (name: string) => {
      const array = await stored.read(`input/${name}`);
      return runtime.tensor(toFloat32(array), array.shape);
    };
    const [snippets, labels, progress, mask] = await Promise.all(
      ['snippets', 'labels', 'progress', 'mask'].map(operand),
    );
    const operands = { labels: labels!, progress: progress!, mask: mask! };
    return new WtalGolden(base, stored, snippets!, operands, JSON.parse(objectives!));
  }

  /** The stored numbers of a name such as `expected/cas`. */
  async numbers(name: string): Promise<Float32Array> {
    return toFloat32(await this.stored.read(name));
  }
}
