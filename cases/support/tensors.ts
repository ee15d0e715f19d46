import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { HostTensors } from './case-table.js';
import { deviceDtype, type HostTensor } from './host.js';

/** Operands on the device, in the storage type under test. */
export function uploadInputs(
  runtime: Runtime,
  inputs: HostTensors,
  storage: 'f32' | 'f16',
): Record<string, Tensor | undefined> {
  const tensors: Record<string, Tensor | undefined> = {};
  for (const [name, host] of Object.entries(inputs)) {
    tensors[name] = host && runtime.tensor(host.data, host.shape, deviceDtype(host, storage));
  }
  return tensors;
}

/** The same names with every tensor changed by `change`. */
export function mapTensors(tensors: HostTensors, change: (tensor: HostTensor) => HostTensor): HostTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor && change(tensor)]),
  );
}
