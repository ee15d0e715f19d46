import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BindGroupCache, type BufferRange } from '../../src/gpu/commands.js';
import { newBufferId } from '../../src/gpu/pool.js';
import { FakeDevice } from '../support/fake-device.js';

const layout = {} as GPUBindGroupLayout;

function range(offset = 0, bytes = 4): BufferRange {
  return { buffer: { id: newBufferId(), buffer: {} as GPUBuffer, bytes: 1024 }, offset, bytes };
}

describe('bind-group cache', () => {
  it('makes one group for each layout, buffer, offset and size', () => {
    const fake = new FakeDevice();
    const cache = new BindGroupCache(fake.device);
    const a = range();
    const group = cache.get(layout, [a]);
    assert.equal(cache.get(layout, [{ ...a }]), group);
    const others = [
      cache.get({} as GPUBindGroupLayout, [a]),
      cache.get(layout, [{ ...a, offset: 256 }]),
      cache.get(layout, [{ ...a, bytes: 8 }]),
      cache.get(layout, [range()]),
      cache.get(layout, [a, range()]),
    ];
    assert.equal(new Set([group, ...others]).size, 6);
    assert.equal(fake.bindGroups.length, 6);
    assert.deepEqual(fake.bindGroups[2]!.entries, [
      { binding: 0, resource: { buffer: a.buffer.buffer, offset: 256, size: 4 } },
    ]);
  });

  it('starts anew when it is full, and stays right', () => {
    const fake = new FakeDevice();
    const cache = new BindGroupCache(fake.device, 10);
    const ranges = Array.from({ length: 25 }, () => range());
    for (const each of ranges) {
      cache.get(layout, [each]);
      assert.ok(cache.size <= 10);
    }
    assert.equal(fake.bindGroups.length, 25);
    cache.get(layout, [ranges[24]!]);
    assert.equal(fake.bindGroups.length, 25, 'the last ones are still there');
    cache.get(layout, [ranges[0]!]);
    assert.equal(fake.bindGroups.length, 26, 'the first ones are not');
    cache.clear();
    assert.equal(cache.size, 0);
  });
});
