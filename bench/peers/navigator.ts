import { availableParallelism } from 'node:os';
import { calm } from '../../src/gpu/polling.js';

/**
 * Peers that are written for pages find their device through `navigator.gpu`, which Node 20 does not have: lends
 * them Dawn's binding for Node, that of this package. Call before a peer is imported, and after the driver is chosen
 * (`openAdapter`).
 */
export async function lendNavigator(): Promise<void> {
  if (globalThis.navigator?.gpu) return;
  const { create, globals } = (await import('webgpu')) as typeof import('webgpu');
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  const value = {
    gpu: create([]),
    userAgent: `Node.js/${process.versions.node.split('.')[0]}`,
    hardwareConcurrency: availableParallelism(),
  };
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
}

/** Waits until a device of that binding has done all it was given, polling as gently as this package does. */
export function finished(device: GPUDevice): Promise<undefined> {
  return calm(device.queue.onSubmittedWorkDone());
}
