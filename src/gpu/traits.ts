import { isSoftware } from './adapter.js';

/** Kinds of device whose fast kernels differ in kind (ARCHITECTURE.md, "Variants"). */
export type DeviceClass = 'software' | 'hardware';

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
  readonly timestamps: boolean;
  /** Kernel parameters can go as immediates. */
  readonly immediates: boolean;
  readonly limits: GPUSupportedLimits;
}

/** Features that the runtime takes where the adapter has them, and never assumes. */
export const wantedFeatures = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
] as GPUFeatureName[];

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
    timestamps: device.features.has('timestamp-query'),
    immediates: languageFeatures.has('immediate_address_space'),
    limits: device.limits,
  };
}
