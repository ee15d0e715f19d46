import { after } from 'node:test';
import { Runtime, type RuntimeOptions } from '../../src/tensor/runtime.js';

/** A runtime for a test file, destroyed when its tests are done. New tensors are poisoned. */
export async function testRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await Runtime.create({ poison: true, ...options });
  after(() => runtime.destroy());
  return runtime;
}
