/** Devices, tensors, captures and errors, `attention` and `openModel`; everything else has an entry point of its own. */

export type { Abortable, AbortSignalLike } from './abort.js';
export * from './errors.js';
export { type AdapterKind, type OpenAdapter, openAdapter } from './gpu/adapter.js';
export type {
  BufferRange,
  Command,
  CopyCommand,
  DispatchCommand,
  DispatchStep,
  LaunchOrigin,
  Program,
  ReplayCommand,
  Step as ProgramStep,
  UploadCommand,
} from './gpu/commands.js';
export type { Gpu, GpuOptions } from './gpu/gpu.js';
export type { KernelSource } from './gpu/kernel-source.js';
export type { LaunchClock, LaunchTime, LaunchTimer } from './gpu/launch-times.js';
export type { Kernel } from './gpu/pipelines.js';
export type { BufferPool, PooledBuffer, PoolStatistics } from './gpu/pool.js';
export type { Measurement } from './gpu/timing.js';
export type { DeviceClass, DeviceTraits, SubgroupMatrixShape } from './gpu/traits.js';
export type * from './gpu/webgpu.js';
export type {
  KernelConstants,
  KernelInterface,
  Parameter as KernelParameter,
  StorageBinding,
} from './gpu/wgsl.js';
export type { ClipCurve } from './models/common/join-curves.js';
export type {
  Ask,
  Found,
  LocalizationModel,
  LocalizationResult,
  LocalizeRequest,
  LookedAt,
  ModelInput,
  ModelOptions,
  Predictions,
  PredictRequest,
} from './models/localization-model.js';
export type { LoadModelOptions } from './models/model-spec.js';
export { type OpenModelOptions, openModel } from './models/open-model.js';
export { type AttentionOutputs, attention } from './ops/attention/attention.js';
export type { AttentionMask } from './ops/attention/attention-mask.js';
export type { AttentionOperands, AttentionOptions } from './ops/attention/attention-problem.js';
export { Capture, type CapturePool } from './tensor/capture.js';
export type { Dtype, HostData, NumberSource } from './tensor/dtype.js';
export type { Launch } from './tensor/launch.js';
export type { LiveTensor } from './tensor/live-tensors.js';
export type { Freeable, Owner } from './tensor/owner.js';
export type { Profile, ProfileRow } from './tensor/profile.js';
export { type MemoryStatistics, Runtime, type RuntimeOptions } from './tensor/runtime.js';
export type { Shape } from './tensor/shape.js';
export type { Shared } from './tensor/shared.js';
export type { OperationRun, Tape } from './tensor/tape.js';
export { type Storage, Tensor } from './tensor/tensor.js';
export type { OperationTuning, Tuning, TuningRecord } from './tensor/tuning.js';
