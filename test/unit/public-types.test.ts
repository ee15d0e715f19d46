/** Whoever calls a function can name what it takes and gives: `src/index.ts` exports every type in a public signature. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exportsOf, mentionedBy } from '../support/declarations.js';

const root = new URL('../../', import.meta.url);
const exported = exportsOf(new URL('src/index.d.ts', root));
const key = ({ url, name }: { url: string; name: string }) => `${url.slice(root.href.length)}: ${name}`;

/** The condition that the types of WebGPU share: no signature names it. */
const unnamed = ['src/gpu/webgpu.d.ts: Known'];

describe('the declarations of src/index.ts', () => {
  it('are followed', () => {
    assert.ok(exported.size > 300, `${exported.size} names`);
    const { url } = exported.get('Runtime')!;
    assert.deepEqual(
      mentionedBy({ url, name: 'Runtime' })
        .map(({ name }) => name)
        .includes('RuntimeOptions'),
      true,
    );
  });

  it('mention no type that is not exported', () => {
    const known = new Set([...[...exported.values()].map(key), ...unnamed]);
    const missing = new Map<string, string[]>();
    for (const [name, declared] of exported) {
      for (const mentioned of mentionedBy(declared)) {
        if (known.has(key(mentioned))) continue;
        missing.set(key(mentioned), [...(missing.get(key(mentioned)) ?? []), name]);
      }
    }
    assert.deepEqual(Object.fromEntries(missing), {});
  });
});
