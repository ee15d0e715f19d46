import { flag, integer, listOf, objectWith, oneOf, optional, type Rule, text } from '../../../arguments.js';
import { nullDevice } from '../../../gpu/null-device.js';
import type { DeviceTraits, SubgroupMatrixShape } from '../../../gpu/traits.js';
import type { GPUBuffer } from '../../../gpu/webgpu.js';
import { Runtime } from '../../../tensor/runtime.js';

/** Limits of the adapters of GPUs beside those that a plan must be given. */
const usualLimits = {
  maxStorageBuffersPerShaderStage: 10,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupStorageSize: 32_768,
  maxComputeWorkgroupsPerDimension: 65_535,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

/**
 * What a plan must know of a device; `runtime.traits` says all of it. What is left out is as on a GPU of today, with
 * tensor cores where it has f16.
 */
export interface PlannedDevice extends Partial<Omit<DeviceTraits, 'limits'>> {
  readonly f16: boolean;
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number } & {
    readonly [Name in keyof typeof usualLimits]?: number;
  };
}

const matrixRule: Rule<SubgroupMatrixShape> = objectWith<SubgroupMatrixShape>({
  component: oneOf('f16', 'f32'),
  result: oneOf('f16', 'f32'),
  ...{ m: integer(1), n: integer(1), k: integer(1) },
});

const limit = optional(integer(1));

export const deviceRule: Rule<PlannedDevice> = objectWith<PlannedDevice>({
  f16: flag,
  limits: objectWith<PlannedDevice['limits']>({
    maxBufferSize: integer(1),
    maxStorageBufferBindingSize: integer(1),
    maxStorageBuffersPerShaderStage: limit,
    maxComputeInvocationsPerWorkgroup: limit,
    maxComputeWorkgroupStorageSize: limit,
    maxComputeWorkgroupsPerDimension: limit,
    minStorageBufferOffsetAlignment: limit,
    minUniformBufferOffsetAlignment: limit,
  }),
  deviceClass: optional(oneOf('software', 'hardware')),
  vendor: optional(text),
  architecture: optional(text),
  description: optional(text),
  subgroups: optional(flag),
  subgroupMinSize: limit,
  subgroupMaxSize: limit,
  subgroupMatrices: optional(listOf(matrixRule)),
  timestamps: optional(flag),
  immediates: optional(flag),
});

/** The device as it is, or with buffers and bindings of any size, to see what a model takes that does not fit it. */
export function withoutLimits(device: PlannedDevice): PlannedDevice {
  const { MAX_SAFE_INTEGER: any } = Number;
  return {
    ...device,
    limits: { ...limitsOf(device), maxBufferSize: any, maxStorageBufferBindingSize: any },
  };
}

/** By name: those of a device of WebGPU are no properties of their own. */
function limitsOf({ limits }: PlannedDevice): Record<string, number> {
  const names = Object.keys(usualLimits) as (keyof typeof usualLimits)[];
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  return {
    ...{ maxBufferSize, maxStorageBufferBindingSize },
    ...Object.fromEntries(names.map((name) => [name, limits[name] ?? usualLimits[name]])),
  };
}

function traitsOf(device: PlannedDevice): DeviceTraits {
  const { f16, deviceClass = 'hardware', vendor = '', architecture = '', description = '' } = device;
  const { subgroups = true, subgroupMinSize = 32, subgroupMaxSize = 32 } = device;
  const cores: SubgroupMatrixShape[] = f16 ? [{ component: 'f16', result: 'f32', m: 16, n: 16, k: 16 }] : [];
  return {
    ...{ f16, deviceClass, vendor, architecture, description, subgroups, subgroupMinSize, subgroupMaxSize },
    ...{ subgroupMatrices: device.subgroupMatrices ?? cores, timestamps: false, immediates: false },
    limits: limitsOf(device) as unknown as DeviceTraits['limits'],
  };
}

/** A runtime that plans its work as that of the device would, and does not do it. */
export function plannedRuntime(
  device: PlannedDevice,
  onBind?: (buffer: GPUBuffer, bytes: number) => void,
): Promise<Runtime> {
  return Runtime.create({ device: nullDevice(traitsOf(device), onBind) });
}
