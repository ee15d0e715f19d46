import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { allKernels } from '../../kernels/all.js';
import type { KernelSource } from '../../src/gpu/kernel-source.js';
import type { DeviceTraits, SubgroupMatrixShape } from '../../src/gpu/traits.js';
import { composeKernel, type KernelConstants } from '../../src/gpu/wgsl.js';
import { attentionTiling } from '../../src/ops/attention/attention-matrix.js';
import { matrixConstants } from '../../src/ops/subgroup-matrix.js';

/** A device with subgroup matrices, as far as the choice of constants asks. */
interface Device {
  readonly name: string;
  readonly shape: SubgroupMatrixShape;
  readonly subgroupSizes: readonly [least: number, most: number];
  readonly workgroupBytes: number;
}

const f16 = { component: 'f16', result: 'f32' } as const;
const devices: readonly Device[] = [
  { name: 'NVIDIA', shape: { ...f16, m: 16, n: 16, k: 16 }, subgroupSizes: [32, 32], workgroupBytes: 49152 },
  { name: 'Intel', shape: { ...f16, m: 8, n: 16, k: 16 }, subgroupSizes: [8, 32], workgroupBytes: 32768 },
  { name: 'lavapipe', shape: { ...f16, m: 8, n: 8, k: 8 }, subgroupSizes: [8, 8], workgroupBytes: 32768 },
  {
    name: 'Apple',
    shape: { component: 'f32', result: 'f32', m: 8, n: 8, k: 8 },
    subgroupSizes: [32, 32],
    workgroupBytes: 32768,
  },
];

/** Constants that each kernel for subgroup matrices is launched with on a device. */
const launches: Readonly<Record<string, (device: Device, traits: DeviceTraits) => KernelConstants[]>> = {
  'attention/matrix': ({ shape: { component } }, traits) =>
    [8, 64, 72, 128, 256].flatMap((headSize) => {
      const constants = attentionTiling(traits, component, headSize)?.constants;
      if (!constants) return [];
      const all = { HAS_BIAS: true, HAS_LOG_SUM_EXP: true, KEY_WEIGHT: 2, KeyWeight: component, MASK: 3 };
      return [constants, { ...constants, ...all }].map((launch) => ({ ...launch, Element: component }));
    }),
  'matmul/matrix': ({ shape: { component } }, traits) =>
    [1, 4].flatMap((width) =>
      [true, false].map((transposed) => ({
        ...matrixConstants(traits, component),
        ...{ Element: component, Result: component, HAS_BIAS: true, ACTIVATION: 4 },
        ...{ TRANSPOSE_A: transposed, TRANSPOSE_B: !transposed },
        ...packed(width),
      })),
    ),
  'conv/conv2d_matrix': ({ shape: { component } }, traits) =>
    [1, 4].flatMap((width) =>
      [true, false].map((gated) => ({
        ...matrixConstants(traits, component),
        ...{ Element: component, Result: component, HAS_BIAS: !gated, HAS_GATE: gated, LONE_ROW: gated },
        ...packed(width),
      })),
    ),
};

function packed(width: number): KernelConstants {
  return width === 4 ? { Packed: 'vec4<Element>', WIDTH: 4 } : {};
}

const { create, globals } = await import('webgpu');
Object.assign(globalThis, globals);

/** Dawn's backend without a device: it checks programs as any other and runs nothing. */
let gpu: GPU | undefined = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
const adapter = (await gpu.requestAdapter())!;
const device = await adapter.requestDevice({
  requiredFeatures: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[],
});
after(() => {
  device.destroy();
  // Node does not exit while it is held, and Dawn crashes where it is dropped sooner.
  gpu = undefined;
});

describe('kernels for subgroup matrices', () => {
  it('are all listed', () => {
    const names = allKernels.map(({ name }) => name).filter((name) => name.endsWith('matrix'));
    assert.deepEqual(Object.keys(launches).sort(), names.sort());
  });

  for (const kernel of allKernels) {
    const constantsOn = launches[kernel.name];
    if (!constantsOn) continue;
    for (const each of devices) {
      const { m, n, k, component } = each.shape;
      it(`${kernel.name} compiles for ${each.name}: ${m}x${n}x${k} of ${component}`, async () => {
        const all = constantsOn(each, traitsOf(each));
        assert.ok(all.length > 0);
        for (const constants of all) await compile(kernel, constants);
      });
    }
  }
});

function traitsOf({ shape, subgroupSizes: [subgroupMinSize, subgroupMaxSize], workgroupBytes }: Device) {
  const limits = { maxComputeWorkgroupStorageSize: workgroupBytes, maxComputeInvocationsPerWorkgroup: 1024 };
  return { subgroupMatrices: [shape], subgroupMinSize, subgroupMaxSize, limits } as unknown as DeviceTraits;
}

async function compile(kernel: KernelSource, constants: KernelConstants): Promise<void> {
  const code = composeKernel(kernel, constants, false);
  device.pushErrorScope('validation');
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  await device.popErrorScope();
  const lines = code.split('\n');
  assert.deepEqual(
    messages.map(({ lineNum, message }) => `${message}: ${lines[lineNum - 1]?.trim()}`),
    [],
    `${kernel.name} with ${JSON.stringify(constants)}`,
  );
}
