import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomCases } from '../../cases/random.js';
import philoxSource from '../../kernels/lib/philox.wgsl.js';
import { loadReference } from '../../native/index.js';
import { OptionError } from '../../src/errors.js';
import { openUniform, type PhiloxBlock, philox, seedWords } from '../../src/ops/random/philox.js';
import { Random } from '../../src/ops/random/random.js';
import { testOperation } from '../support/operation.js';
import { testRuntime } from '../support/runtime.js';

await testOperation(randomCases);

const runtime = await testRuntime();
const native = loadReference<{ philox_block(counter: Uint32Array, key: Uint32Array): Uint32Array }>();

/** Known answers of philox4x32-10 published with Random123: counter, key, block. */
const knownAnswers: readonly (readonly [PhiloxBlock, readonly [number, number], PhiloxBlock])[] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

it('philox gives the known answers in TypeScript and C++', () => {
  for (const [counter, key, block] of knownAnswers) {
    assert.deepEqual(philox(counter, key), block);
    assert.deepEqual([...native.philox_block(Uint32Array.from(counter), Uint32Array.from(key))], [...block]);
  }
});

it('philox gives the known answers in WGSL', async () => {
  const { device } = runtime.gpu;
  const module = device.createShaderModule({
    code: `${philoxSource.text}
      @group(0) @binding(0) var<storage, read> given: array<vec4u>;
      @group(0) @binding(1) var<storage, read_write> block: array<vec4u>;
      @compute @workgroup_size(1) fn blocks(@builtin(global_invocation_id) id: vec3u) {
        block[id.x] = philox(given[2u * id.x], given[2u * id.x + 1u].xy);
      }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const words = knownAnswers.flatMap(([counter, key]) => [...counter, ...key, 0, 0]);
  using given = runtime.tensor(words, [words.length], 'u32');
  using block = runtime.empty([4 * knownAnswers.length], 'u32');
  await runtime.flush();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const entries = [given, block].map(({ range }, binding) => ({
    binding,
    resource: { buffer: range.buffer.buffer, offset: range.offset, size: range.bytes },
  }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(knownAnswers.length);
  pass.end();
  device.queue.submit([encoder.finish()]);
  assert.deepEqual(
    [...(await block.read())],
    knownAnswers.flatMap(([, , answer]) => [...answer]),
  );
});

it('a stream goes on where it stood, and is the same in TypeScript', async () => {
  const seed = 0x1_2345_6789_abcdn;
  using stream = new Random(runtime, seed);
  using first = stream.uniform([3, 2]);
  using second = stream.uniform([5]);
  const blocks = [0, 1, 2, 3].map((block) => philox([block, 0, 0, 0], seedWords(seed)).map(openUniform));
  // Six numbers take two blocks, and the rest of the second is dropped.
  assert.deepEqual([...(await first.read())], blocks.slice(0, 2).flat().slice(0, 6));
  assert.deepEqual([...(await second.read())], blocks.slice(2).flat().slice(0, 5));
});

it('the state can be saved and restored', async () => {
  using stream = new Random(runtime, 7);
  stream.advance(4 * (2 ** 32 - 1));
  const saved = await stream.state.read();
  assert.deepEqual([...saved], [7, 0, 2 ** 32 - 1, 0]);
  using before = stream.normal([9]);
  assert.deepEqual([...(await stream.state.read())], [7, 0, 2, 1]);
  stream.state.write(saved);
  using again = stream.normal([9]);
  assert.deepEqual(await again.read(), await before.read());
});

it('a captured draw gives fresh numbers at each replay', async () => {
  using stream = new Random(runtime, 3);
  using capture = await runtime.capture(() => stream.uniform([8]));
  const draws: number[] = [];
  for (let run = 0; run < 3; run++) {
    capture.run();
    draws.push(...(await capture.outputs.read()));
  }
  using other = new Random(runtime, 3);
  using all = other.uniform([24]);
  assert.deepEqual(draws, [...(await all.read())]);
});

it('f16 numbers are exact for uniform, rounded for the others', { skip: !runtime.traits.f16 }, async () => {
  using stream = new Random(runtime, 11);
  using uniform = stream.uniform([4001], 'f16');
  const values = await uniform.read();
  const words = Array.from({ length: 1001 }, (_, block) => [...philox([block, 0, 0, 0], [11, 0])]).flat();
  assert.deepEqual(
    [...values],
    words.slice(0, 4001).map((word) => ((word >>> 21) | 1) / 2 ** 11),
  );
  for (const distribution of ['normal', 'gumbel'] as const) {
    const before = await stream.state.read();
    using half = stream[distribution]([1000], 'f16');
    stream.state.write(before);
    using full = stream[distribution]([1000]);
    const wanted = await full.read();
    for (const [i, value] of (await half.read()).entries()) {
      assert.ok(
        Math.abs(value - wanted[i]!) <= 2e-3 * Math.max(1e-3, Math.abs(wanted[i]!)),
        `${distribution} ${i}`,
      );
    }
  }
});

it('normal and Gumbel numbers have their mean and variance', async () => {
  using stream = new Random(runtime, 1);
  const moments = { normal: [0, 1], gumbel: [0.5772156649, Math.PI ** 2 / 6] } as const;
  for (const distribution of ['normal', 'gumbel'] as const) {
    using tensor = stream[distribution]([100_000]);
    const values = [...(await tensor.read())];
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    const [wantedMean, wantedVariance] = moments[distribution];
    assert.ok(Math.abs(mean - wantedMean) < 0.02, `${distribution}: mean ${mean}`);
    assert.ok(Math.abs(variance - wantedVariance) < 0.06, `${distribution}: variance ${variance}`);
  }
});

it('refuses what it cannot do', () => {
  for (const seed of [-1, 0.5, 2 ** 53, -1n, 1n << 64n, Number.NaN]) {
    assert.throws(() => new Random(runtime, seed), OptionError);
  }
  using stream = new Random(runtime, 0);
  assert.throws(() => stream.advance(-1), OptionError);
  assert.throws(() => stream.advance(Number.POSITIVE_INFINITY), OptionError);
});
