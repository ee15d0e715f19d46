import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '../../cases/support/random.js';
import { MaskedSampler } from '../../src/diffusion/masked.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

/** Counts the bytes of all buffers that the device maps for the host from now on. */
function countMappedBytes({ gpu: { device } }: Runtime): () => number {
  let bytes = 0;
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const mapAsync = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (mode, offset = 0, size = buffer.size - offset) => {
      bytes += size;
      return mapAsync(mode, offset, size);
    };
    return buffer;
  };
  return () => bytes;
}

it('sampling 256 positions over LLaDA’s vocabulary reads back only tokens', async () => {
  const [answerLength, vocabulary, width, maskId] = [256, 126_464, 4, 126_336];
  const random = new Random(1);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  using hidden = runtime.tensor(numbers(answerLength * width), [1, answerLength, width]);
  using weight = runtime.tensor(numbers(vocabulary * width), [vocabulary, width]);
  using sampler = await MaskedSampler.create(runtime, () => ({ hidden, weight }), {
    ...{ batch: 1, length: answerLength, answerLength, maskId, steps: 2 },
  });
  const mappedBytes = countMappedBytes(runtime);
  const tokens = await sampler.decode(new Uint32Array(answerLength).fill(maskId));
  assert.ok(tokens.every((id) => id < vocabulary && id !== maskId));
  assert.equal(mappedBytes(), 4 * answerLength);
});
