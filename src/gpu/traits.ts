import { isSoftware } from './adapter.js';
import type { GPUAdapterInfo, GPUDevice, GPUSupportedLimits } from './webgpu.js';

/** Kinds of device whose fast kernels differ in kind (ARCHITECTURE.md, "Variants"). */
export type DeviceClass = 'software' | 'hardware';

/** A matrix product that a subgroup does as one instruction: (m, k) times (k, n), in `component`, summed in `result`. */
export interface SubgroupMatrixShape {
  readonly component: 'f16' | 'f32';
  readonly result: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** What a kernel variant may ask of the device to know whether it is legal there. */
export interface DeviceTraits {
  readonly deviceClass: DeviceClass;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** 16-bit floats in storage and arithmetic. */
  readonly f16: boolean;
  /** Subgroup operations. */
  readonly subgroups: boolean;
  /** Smallest and largest subgroup that a kernel can meet; equal on most devices, 4..128 without the feature. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  /** Floating-point products of subgroup matrices (tensor cores), the largest first; empty on most devices. */
  readonly subgroupMatrices: readonly SubgroupMatrixShape[];
  readonly timestamps: boolean;
  /** Kernel parameters can go as immediates. */
  readonly immediates: boolean;
  readonly limits: GPUSupportedLimits;
}

/** Features that the runtime takes where the adapter has them, and never assumes. */
export const wantedFeatures: readonly string[] = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
];

export function deviceTraits(
  device: GPUDevice,
  info: GPUAdapterInfo,
  languageFeatures: ReadonlySet<string>,
): DeviceTraits {
  return {
    deviceClass: isSoftware(info) ? 'software' : 'hardware',
    vendor: info.vendor,
    architecture: info.architecture,
    description: [info.device, info.description].filter(Boolean).join(', '),
    f16: device.features.has('shader-f16'),
    subgroups: device.features.has('subgroups' as GPUFeatureName),
    subgroupMinSize: info.subgroupMinSize ?? 4,
    subgroupMaxSize: info.subgroupMaxSize ?? 128,
    subgroupMatrices: device.features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName)
      ? subgroupMatrices(info)
      : [],
    timestamps: device.features.has('timestamp-query'),
    immediates: languageFeatures.has('immediate_address_space'),
    limits: device.limits,
  };
}

/** Dawn's experimental list, of which the types of WebGPU know nothing yet. */
interface SubgroupMatrixInfo {
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }>;
}

function subgroupMatrices(info: GPUAdapterInfo): SubgroupMatrixShape[] {
  const isFloat = (type: string) => type === 'f16' || type === 'f32';
  return [...((info as SubgroupMatrixInfo).subgroupMatrixConfigs ?? [])]
    .filter(
      ({ componentType, resultComponentType }) => isFloat(componentType) && isFloat(resultComponentType),
    )
    .map(({ componentType, resultComponentType, M: m, N: n, K: k }) => ({
      component: componentType as 'f16' | 'f32',
      result: resultComponentType as 'f16' | 'f32',
      ...{ m, n, k },
    }))
    .sort((a, b) => b.m * b.n * b.k - a.m * a.n * a.k);
}
