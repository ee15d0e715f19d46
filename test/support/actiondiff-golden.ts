import { readFile } from 'node:fs/promises';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { encodeSafetensors, openSafetensors, type Safetensors } from '../../src/data/formats/safetensors.js';
import type { ActionDiffConfig } from '../../src/models/wtal/actiondiff/config.js';
import type { DiffusionBranch } from '../../src/models/wtal/actiondiff/diffusion-branch.js';
import { makeDiffusionBranch } from '../../src/models/wtal/actiondiff/make-branch.js';
import { MaskBank } from '../../src/models/wtal/actiondiff/mask-bank.js';
import type { BaseOutputs } from '../../src/models/wtal/base.js';
import { linear } from '../../src/ops/matmul/matmul.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';

/** The configurations of test/models/actiondiff-twin.py. */
export const actionDiffGoldenNames = ['family', 'family-detached', 'latent', 'latent-clustered'] as const;

/** A small diffusion branch with weights, operands and the answers that PyTorch gave to them. */
export class ActionDiffGolden {
  private constructor(
    readonly branch: DiffusionBranch,
    readonly stored: Safetensors,
    readonly inputs: Readonly<Record<string, Tensor>>,
  ) {}

  static async open(
    runtime: Runtime,
    name: (typeof actionDiffGoldenNames)[number],
  ): Promise<ActionDiffGolden> {
    // Compiled tests run from dist/test/…
    const path = `../../../test/models/golden/actiondiff-${name}.safetensors`;
    const stored = await openSafetensors(await readFile(new URL(path, import.meta.url)), name);
    const config = JSON.parse(stored.metadata.config!) as ActionDiffConfig;
    const weights: Record<string, NumericArray> = {};
    const inputs: Record<string, Tensor> = {};
    for (const name of stored.tensors.keys()) {
      const array = await stored.read(name);
      const [kind, key] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)];
      if (kind === 'weight') weights[key] = array;
      if (kind === 'input') inputs[key] = operandOf(runtime, array);
    }
    const [, , classes] = inputs.cas!.shape;
    const branch = makeDiffusionBranch(runtime, config, {
      classes: classes!,
      width: inputs.features!.shape[2]!,
    });
    await branch.load(await openSafetensors(encodeSafetensors(weights), name));
    return new ActionDiffGolden(branch, stored, inputs);
  }

  /** What the base says; other tensors take the place of those that are given. */
  outputs(given: Partial<BaseOutputs> = {}): BaseOutputs {
    const { cas, attention, features, 'modal.0': first, 'modal.1': second } = this.inputs;
    return {
      ...{ cas: cas!, attention: attention!, features: features! },
      modalAttentions: [first!, second!],
      actionness: [],
      reconstructions: [],
      ...given,
    };
  }

  classifying(weight: Tensor = this.inputs.classifier!): { classify(features: Tensor): Tensor } {
    return { classify: (features) => linear({ input: features, weight }) };
  }

  /** A bank with the masks of the twin, visited, whose step has the twin's videos. */
  async bank(): Promise<MaskBank> {
    const { bank, rows, labels } = this.inputs;
    const [examples, slots, steps] = bank!.shape as [number, number, number];
    const [batch, classes] = labels!.shape as [number, number];
    const made = new MaskBank(bank!.runtime, { examples, slots, classes, steps, batch });
    made.memory.masks.assign(bank!);
    made.memory.visited.write(new Float32Array(examples).fill(1));
    const flags = await labels!.read();
    const labelsOf = (video: number) =>
      Array.from({ length: classes }, (_, c) => c).filter((c) => flags[video * classes + c] === 1);
    made.prepare(
      [...(await rows!.read())],
      Array.from({ length: batch }, (_, video) => labelsOf(video)),
    );
    return made;
  }

  /** Elements of `expected/…` or `gradient/…`. */
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

function operandOf(runtime: Runtime, array: NumericArray): Tensor {
  return array.dtype === 'i32'
    ? runtime.tensor(Uint32Array.from(array.data as Int32Array), array.shape, 'u32')
    : runtime.tensor(toFloat32(array), array.shape);
}
