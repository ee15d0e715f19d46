import { after } from 'node:test';
import { Runtime, type RuntimeOptions } from '../../src/tensor/runtime.js';
import { Tuning } from '../../src/tensor/tuning.js';

/** A runtime for a test file, untuned, destroyed when its tests are done. New tensors are poisoned. */
export async function testRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await Runtime.create({ poison: true, tuning: new Tuning(), ...options });
  after(() => runtime.destroy());
  return runtime;
}
