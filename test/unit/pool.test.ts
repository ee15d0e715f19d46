import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FeatureError } from '../../src/errors.js';
import { BufferPool, type PooledBuffer, sizeClass } from '../../src/gpu/pool.js';
import { FakeDevice } from '../support/fake-device.js';

describe('size classes', () => {
  it('are four to each power of two from 256 on', () => {
    const classes = new Set(Array.from({ length: 2048 }, (_, bytes) => sizeClass(bytes)));
    assert.deepEqual([...classes], [256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048]);
  });

  it('hold what was asked for, waste at most a quarter of it, and are their own class', () => {
    fc.assert(
      fc.property(fc.integer({ min: 257, max: 2 ** 33 }), (bytes) => {
        const size = sizeClass(bytes);
        assert.ok(size >= bytes && size <= bytes * 1.25, `${size} for ${bytes}`);
        assert.equal(sizeClass(size), size);
        assert.equal(size % 4, 0);
        assert.ok(sizeClass(bytes + 1) >= size);
      }),
    );
  });
});

describe('buffer pool', () => {
  it('hands a released buffer out again, only to its class', () => {
    const pool = new BufferPool(new FakeDevice().device, 0);
    const a = pool.acquire(1000);
    assert.equal(a.bytes, 1024);
    assert.deepEqual(pool.statistics, {
      allocatedBytes: 1024,
      usedBytes: 1024,
      usedBuffers: 1,
      peakBytes: 1024,
    });
    pool.release(a);
    assert.equal(pool.statistics.usedBytes, 0);
    assert.equal(pool.statistics.usedBuffers, 0);
    assert.notEqual(pool.acquire(800), a);
    assert.equal(pool.acquire(1024), a);
    assert.notEqual(pool.acquire(1024), a);
  });

  it('never hands one buffer to two, counts right, and is empty after trim', () => {
    const request = fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), release: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), (requests) => {
        const fake = new FakeDevice();
        const pool = new BufferPool(fake.device, 0);
        const used: PooledBuffer[] = [];
        for (const { bytes, release } of requests) {
          const buffer = pool.acquire(bytes);
          assert.ok(!used.includes(buffer) && buffer.bytes >= bytes);
          used.push(buffer);
          if (release > 0) pool.release(used.splice(release % used.length, 1)[0]!);
          const bytesUsed = used.reduce((sum, each) => sum + each.bytes, 0);
          assert.equal(pool.statistics.usedBytes, bytesUsed);
        }
        pool.trim();
        const alive = fake.buffers.filter(({ destroyed }) => !destroyed);
        assert.equal(alive.length, used.length);
        assert.equal(pool.statistics.allocatedBytes, pool.statistics.usedBytes);
        pool.destroy();
        assert.ok(fake.buffers.every(({ destroyed }) => destroyed));
        assert.equal(pool.statistics.allocatedBytes, 0);
        for (const buffer of used) pool.release(buffer);
        assert.equal(pool.statistics.usedBytes, 0);
      }),
    );
  });

  it('goes up to the limit of the device, in multiples of four, and no further', () => {
    const fake = new FakeDevice();
    const pool = new BufferPool(fake.device, 0);
    assert.equal(pool.acquire(2 ** 30).bytes, 2 ** 30);
    assert.throws(() => pool.acquire(2 ** 30 + 4), FeatureError);
    fake.limits.maxBufferSize = 2 ** 30 - 100;
    assert.equal(pool.acquire(2 ** 30 - 200).bytes, 2 ** 30 - 100);
  });

  it('drops a buffer that the device had no memory for, be it in use or free', async () => {
    const fake = new FakeDevice();
    const reported: unknown[] = [];
    const pool = new BufferPool(fake.device, 0, (error) => reported.push(error));
    const report = { message: 'none left' } as GPUError;
    fake.reports.push(report, report);
    const [a, b] = [pool.acquire(1), pool.acquire(1)];
    pool.release(b);
    await null;
    assert.deepEqual(reported, [report, report]);
    assert.ok(fake.buffers.every(({ destroyed }) => destroyed));
    assert.deepEqual(pool.statistics, { allocatedBytes: 0, usedBytes: 256, usedBuffers: 1, peakBytes: 512 });
    pool.release(a);
    const c = pool.acquire(1);
    assert.ok(c !== a && c !== b);
    assert.deepEqual(pool.statistics, {
      allocatedBytes: 256,
      usedBytes: 256,
      usedBuffers: 1,
      peakBytes: 512,
    });
  });
});
