import { type DeviceTraits, wantedFeatures } from './traits.js';
import type { GPUBuffer, GPUDevice } from './webgpu.js';

/**
 * A device like another that runs nothing: its buffers have a size and no memory. What is recorded on it is planned as
 * it would be on the other, by the same buffer pool and with the same kernels, so it tells what work takes there.
 * Nothing can be read from it.
 * @param onBind told of each buffer that is bound, and of the bytes that are
 */
export function nullDevice(
  traits: DeviceTraits,
  onBind: (buffer: GPUBuffer, bytes: number) => void = () => {},
): GPUDevice {
  const { vendor, architecture, description, deviceClass, limits } = traits;
  const nothing = () => {};
  const made = () => ({});
  const pass = {
    ...{ setPipeline: nothing, setBindGroup: nothing, setImmediates: nothing },
    ...{ dispatchWorkgroups: nothing, end: nothing },
  };
  const encoder = { beginComputePass: () => pass, copyBufferToBuffer: nothing, finish: made };
  const device = {
    limits,
    features: new Set(wantedFeatures.filter((feature) => has(traits, feature))),
    adapterInfo: {
      ...{ vendor, architecture, device: '', description },
      isFallbackAdapter: deviceClass === 'software',
      subgroupMinSize: traits.subgroupMinSize,
      subgroupMaxSize: traits.subgroupMaxSize,
      subgroupMatrixConfigs: traits.subgroupMatrices.map(({ component, result, m, n, k }) => ({
        ...{ componentType: component, resultComponentType: result, M: m, N: n, K: k },
      })),
    },
    lost: new Promise(nothing),
    queue: { submit: nothing, writeBuffer: nothing, onSubmittedWorkDone: async () => {} },
    createBuffer: ({ size, usage }: GPUBufferDescriptor) => ({ size, usage, destroy: nothing }),
    createBindGroup({ entries }: GPUBindGroupDescriptor) {
      for (const { resource } of entries) {
        const { buffer, size } = resource as GPUBufferBinding;
        onBind(buffer, size ?? buffer.size);
      }
      return {};
    },
    createBindGroupLayout: made,
    createPipelineLayout: made,
    createShaderModule: made,
    createComputePipelineAsync: async () => ({}),
    createCommandEncoder: () => encoder,
    pushErrorScope: nothing,
    popErrorScope: async () => null,
  };
  return device as unknown as GPUDevice;
}

/** Whether a device with these traits has a feature. */
function has({ f16, subgroups, subgroupMatrices }: DeviceTraits, feature: string): boolean {
  switch (feature) {
    case 'shader-f16':
      return f16;
    case 'subgroups':
      return subgroups;
    case 'chromium-experimental-subgroup-matrix':
      return subgroupMatrices.length > 0;
    default:
      return false;
  }
}
