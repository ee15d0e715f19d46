/**
 * The types of WebGPU that this package's signatures name. Where the consumer has them, from TypeScript's own `DOM` (since
 * version 6) or from `@webgpu/types`, they are those; elsewhere they are objects of which nothing is known, so that the
 * declarations need neither. The two sources cannot be had together, so the package may not bring one of them.
 */
type Known<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : object;

export type GPUAdapter = Known<'GPUAdapter'>;
export type GPUAdapterInfo = Known<'GPUAdapterInfo'>;
export type GPUBindGroup = Known<'GPUBindGroup'>;
export type GPUBindGroupLayout = Known<'GPUBindGroupLayout'>;
export type GPUBuffer = Known<'GPUBuffer'>;
export type GPUCommandEncoder = Known<'GPUCommandEncoder'>;
export type GPUComputePipeline = Known<'GPUComputePipeline'>;
export type GPUDevice = Known<'GPUDevice'>;
export type GPUError = Known<'GPUError'>;
export type GPUQuerySet = Known<'GPUQuerySet'>;
export type GPUSupportedLimits = Known<'GPUSupportedLimits'>;
