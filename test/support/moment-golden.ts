import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import { checkConfig, type MapDiffusionConfig } from '../../src/models/map-diffusion/config.js';
import { MapDiffusion } from '../../src/models/map-diffusion/model.js';
import type { Corruption, MomentInputs, MomentTargets } from '../../src/models/map-diffusion/operands.js';
import { withClasses } from '../../src/models/map-diffusion/recognition.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The configurations of test/models/map-diffusion-twin.py. */
export const momentGoldenNames = [
  'paper',
  'signal',
  'transformer-concatenation',
  'transformer-cross-attention',
  'multiplication',
  'single-pass',
  'single-pass-pooled',
  'frames',
  'transformer-one-sequence',
] as const;

export type MomentGoldenName = (typeof momentGoldenNames)[number];

/** A small moment model with weights, operands and the answers that PyTorch gave to them. */
export class MomentGolden {
  private constructor(
    readonly model: MapDiffusion,
    readonly stored: Safetensors,
    readonly inputs: MomentInputs,
    readonly targets: MomentTargets,
    /** Noise and times, which also serve as a state and its times. */
    readonly corruption: Corruption,
  ) {}

  static async open(runtime: Runtime, name: MomentGoldenName): Promise<MomentGolden> {
    // Compiled tests run from dist/test/…
    const path = `../../../test/models/golden/map-diffusion-${name}.safetensors`;
    const stored = await openSafetensors(await readFile(new URL(path, import.meta.url)), name);
    const model = new MapDiffusion(runtime, checkConfig(withClasses(JSON.parse(stored.metadata.config!))));
    await model.load(await part(stored, 'weight'));
    const operand = async (name: string) => operandOf(runtime, await stored.read(`input/${name}`));
    const [video, lengths, vectors, counts, videoOf] = await Promise.all(
      ['video', 'lengths', 'vectors', 'counts', 'videoOf'].map(operand),
    );
    const [spans, spanCounts, noise, t] = await Promise.all(
      ['spans', 'spanCounts', 'noise', 't'].map(operand),
    );
    const mask = wordMask(runtime, await stored.read('input/counts'), vectors!.shape[1]!);
    const inputs = {
      video: video!,
      lengths: lengths!,
      words: { vectors: vectors!, mask, counts: counts! },
      // Where each query has a video of its own, that is what no `videoOf` means.
      videoOf: lengths!.size < counts!.size ? videoOf : undefined,
    };
    // The files of the twin have the name of before.
    const classes = model.config.recognition && (await operand('kinds'));
    const targets = { spans: spans!, spanCounts: spanCounts!, classes };
    return new MomentGolden(model, stored, inputs, targets, { noise: noise!, t: t! });
  }

  get config(): MapDiffusionConfig {
    return this.model.config;
  }

  /** Elements of `expected/…`, `gradient/…` and so on. */
  async numbers(name: string): Promise<Float32Array> {
    return toFloat32(await this.stored.read(name));
  }

  /** The names that stand under `kind`, without it. */
  names(kind: string): string[] {
    return [...this.stored.tensors.keys()]
      .filter((name) => name.startsWith(`${kind}/`))
      .map((name) => name.slice(kind.length + 1));
  }
}

async function part(stored: Safetensors, kind: string): Promise<Safetensors> {
  const tensors: Record<string, NumericArray> = {};
  for (const name of stored.tensors.keys()) {
    if (name.startsWith(`${kind}/`)) tensors[name.slice(kind.length + 1)] = await stored.read(name);
  }
  return openSafetensors(encodeSafetensors(tensors), `${stored.name}, ${kind}`);
}

function operandOf(runtime: Runtime, array: NumericArray): Tensor {
  return array.dtype === 'i32'
    ? runtime.tensor(Uint32Array.from(array.data as Int32Array), array.shape, 'u32')
    : runtime.tensor(toFloat32(array), array.shape);
}

function wordMask(runtime: Runtime, { data }: NumericArray, words: number): Tensor {
  const rows = Array.from(data as Int32Array, (count) =>
    Array.from({ length: words }, (_, i) => +(i < count)),
  );
  return runtime.tensor(rows.flat(), [rows.length, words], 'u32');
}
