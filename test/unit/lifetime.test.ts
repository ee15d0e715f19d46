import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeviceLostError, ReleasedError } from '../../src/errors.js';
import { Lifetime } from '../../src/gpu/lifetime.js';

const never = new Promise<number>(() => {});

describe('lifetime', () => {
  it('passes values and errors through as long as it lasts', async () => {
    const lifetime = new Lifetime();
    lifetime.check();
    assert.equal(await lifetime.guard(Promise.resolve(3)), 3);
    await assert.rejects(lifetime.guard(Promise.reject(new Error('own'))), /own/);
    assert.equal(lifetime.failure, undefined);
  });

  it('rejects all that waits and all that comes later with the first failure', async () => {
    const lifetime = new Lifetime();
    const failure = new DeviceLostError('gone');
    const waiting = [lifetime.guard(never), lifetime.guard(never)].map((each) =>
      assert.rejects(each, failure),
    );
    lifetime.end(failure);
    lifetime.end(new ReleasedError('later'));
    await Promise.all(waiting);
    await assert.rejects(lifetime.guard(never), failure);
    await assert.rejects(lifetime.guard(Promise.reject(new Error('nobody else sees this'))), failure);
    assert.throws(() => lifetime.check(), failure);
  });

  it('says why it ended rather than what that led to', async () => {
    const lifetime = new Lifetime();
    const failure = new DeviceLostError('gone');
    let abort = (_: Error) => {};
    const guarded = lifetime.guard(
      new Promise((_, reject) => {
        abort = reject;
      }),
    );
    lifetime.end(failure);
    abort(new Error('mapping was aborted'));
    await assert.rejects(guarded, failure);
  });
});
