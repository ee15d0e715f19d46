import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReleasedError } from '../../src/errors.js';
import type { Freeable } from '../../src/tensor/owner.js';
import { Tensor, tensorsIn } from '../../src/tensor/tensor.js';
import { type OwnerInUse, ownerCases, smallLanguage } from '../support/owners.js';
import * as api from '../support/public-api.js';
import { testRuntime } from '../support/runtime.js';

/** Exported classes that own no tensor: numbers, words and settings on the host. */
const ownNothing = [
  'AskedExamples',
  'CaptionWords',
  'HostRandom',
  'SignalQuestions',
  'TimeTokens',
  'Tokenizer',
  'WindowPrior',
  'WordVectors',
  'WordVocabulary',
];
/** What owners are made of; `Module` and `WtalBase` are abstract. Their own tests hold what becomes of them. */
const basis = ['Module', 'Runtime', 'Tensor', 'WtalBase'];

const runtime = await testRuntime({ poison: false });
const cases = await ownerCases(runtime);

/** Buffers in use and their bytes. */
function level(): { readonly usedBuffers: number; readonly usedBytes: number } {
  const { usedBuffers, usedBytes } = runtime.memory;
  return { usedBuffers, usedBytes };
}

/** What is done by `body`, begun inside of a scope, which ends before it does where it is asynchronous. */
async function begunInScope<T>(body: () => T): Promise<Awaited<T>> {
  let result: T | undefined;
  runtime.scope(() => {
    result = body();
  });
  return (await result) as Awaited<T>;
}

/** Uses everything once, without a scope: all that a use makes must be in what it gives, or be freed. */
async function use({ uses }: OwnerInUse): Promise<void> {
  for (const each of uses) {
    const made = new Set<Freeable>();
    const given = new Set<Freeable>(tensorsIn(await runtime.detached(each, made)));
    for (const tensor of made) {
      if (tensor instanceof Tensor && !tensor.isDisposed)
        assert.ok(given.has(tensor), `${each} left ${tensor}`);
      tensor.dispose();
    }
  }
}

/** Runs `body` where the device has no room for the tensor after `count` others. @returns whether it came to that */
async function withoutRoom(count: number, body: () => unknown): Promise<boolean> {
  const { buffers } = runtime.gpu;
  let left = count;
  const { acquire } = buffers;
  buffers.acquire = (bytes) => {
    if (left-- === 0) throw new RangeError('no room, on purpose');
    return acquire.call(buffers, bytes);
  };
  try {
    await body();
    return false;
  } catch (error) {
    if (left >= 0) throw error;
    assert.match(String(error), /no room, on purpose/);
    return true;
  } finally {
    buffers.acquire = acquire;
  }
}

describe('exported classes', () => {
  it('all have a case here, or are known to own nothing', () => {
    const classes = Object.entries(api).flatMap(([name, value]) =>
      typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value)) ? [name] : [],
    );
    const errors = classes.filter((name) => name.endsWith('Error'));
    const known = [...Object.keys(cases), ...ownNothing, ...basis, ...errors];
    assert.ok(classes.length > 40);
    assert.deepEqual(
      classes.filter((name) => !known.includes(name)),
      [],
    );
    // What has a case and is not exported comes of what is.
    assert.deepEqual(
      known.filter((name) => !classes.includes(name)),
      ['DdimSampler'],
    );
  });
});

it('disposing one model breaks no other, and no capture of what it did', async () => {
  const ids = runtime.tensor([1, 2, 3], [1, 3], 'u32');
  const models = [1, 1].map((seed) => new api.LanguageModel(runtime, smallLanguage).initialize(seed));
  const [one, other] = models as [api.LanguageModel, api.LanguageModel];
  const answer = (model: api.LanguageModel) => model.logits(model.forward(model.embed(ids)));
  using capture = await runtime.capture(() => answer(one));
  const expected = await answer(one).read();
  one.dispose();
  capture.run();
  assert.deepEqual(await capture.outputs.read(), expected);
  assert.deepEqual(await answer(other).read(), expected);
  other.dispose();
});

it('after the end of the runtime nothing can be used or made, and all can be disposed', async () => {
  const other = await testRuntime({ poison: false });
  const others = await ownerCases(other);
  const made: [string, OwnerInUse][] = [];
  for (const [name, { make }] of Object.entries(others)) made.push([name, await make()]);
  other.destroy();
  for (const [name, { uses }] of made) {
    for (const each of uses) {
      await assert.rejects(async () => each(), ReleasedError, `${name}: ${each}`);
    }
    await assert.rejects(async () => others[name]!.make(), ReleasedError, name);
  }
  for (const [, { owner }] of made) owner.dispose();
});

for (const [name, { make, broken }] of Object.entries(cases)) {
  describe(name, () => {
    it('made outside of scopes: gives back what it took, each time', async () => {
      for (let time = 0; time < 3; time++) {
        const before = level();
        const made = await make();
        await use(made);
        made.owner.dispose();
        assert.deepEqual(level(), before);
      }
    });

    it('made in a scope: lives on after it', async () => {
      const before = level();
      const made = await begunInScope(make);
      for (const each of made.uses) await begunInScope(each);
      made.owner[Symbol.dispose]();
      assert.deepEqual(level(), before);
    });

    it('can be disposed twice, and not be used afterwards', async () => {
      const before = level();
      const { owner, uses } = await make();
      owner.dispose();
      owner.dispose();
      owner[Symbol.dispose]();
      assert.ok(uses.length > 0);
      for (const each of uses) {
        await assert.rejects(
          begunInScope(async () => each()),
          ReleasedError,
          String(each),
        );
      }
      assert.deepEqual(level(), before);
    });

    it('leaves nothing where it cannot be made', async () => {
      const before = level();
      let count = 0;
      while (await withoutRoom(count, async () => (await make()).owner.dispose())) {
        assert.deepEqual(level(), before, `without room after ${count} tensors`);
        count++;
      }
      assert.deepEqual(level(), before);
      if (!broken) return;
      await assert.rejects(async () => broken());
      assert.deepEqual(level(), before);
    });
  });
}
