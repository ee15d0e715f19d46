export * from './errors.js';
export type { AdapterKind } from './gpu/adapter.js';
export type { DeviceClass, DeviceTraits } from './gpu/traits.js';
export { logSoftmax, softmax } from './ops/softmax.js';
export { Capture } from './tensor/capture.js';
export type { Dtype } from './tensor/dtype.js';
export { Runtime, type RuntimeOptions } from './tensor/runtime.js';
export { Tensor } from './tensor/tensor.js';
