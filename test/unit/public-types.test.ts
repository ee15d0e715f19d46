/** Whoever calls a function can name what it takes and gives: an entry point exports every type in a public signature. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Declared, exportsOf, mentionedBy } from '../support/declarations.js';
import { entryPoints } from '../support/entry-points.js';

const root = new URL('../../', import.meta.url);
const key = ({ url, name }: Declared) => `${url.slice(root.href.length)}: ${name}`;
const declarationsOf = (file: string) => exportsOf(new URL(`${file}.d.ts`, root));
const exported = [...entryPoints].flatMap(([entryPoint, file]) =>
  [...declarationsOf(file)].map(([name, declared]) => ({ entryPoint, name, declared })),
);

/** The condition that the types of WebGPU share: no signature names it. */
const unnamed = ['src/gpu/webgpu.d.ts: Known'];
/** What the first example needs, beside the runtime. */
const alsoInRoot = [
  'attention',
  'AttentionMask',
  'AttentionOperands',
  'AttentionOptions',
  'AttentionOutputs',
];

describe('the declarations of the entry points', () => {
  it('are followed', () => {
    assert.ok(exported.length > 300, `${exported.length} names`);
    const { declared } = exported.find(({ name }) => name === 'Runtime')!;
    assert.ok(mentionedBy(declared).some(({ name }) => name === 'RuntimeOptions'));
  });

  it('are where package.json says, beside their modules', () => {
    assert.ok(entryPoints.size >= 10);
    for (const file of entryPoints.values()) {
      for (const ending of ['.js', '.d.ts'])
        assert.ok(existsSync(new URL(file + ending, root)), file + ending);
    }
  });

  it('each export names of their own', () => {
    const homes = new Map<string, string[]>();
    for (const { entryPoint, name } of exported) homes.set(name, [...(homes.get(name) ?? []), entryPoint]);
    const shared = [...homes].filter(([, where]) => where.length > 1);
    assert.deepEqual(
      Object.fromEntries(shared),
      Object.fromEntries(alsoInRoot.map((name) => [name, ['tal-webgpu', 'tal-webgpu/ops']])),
    );
  });

  it('are all in test/support/public-api.ts', () => {
    const all = [...declarationsOf('test/support/public-api').keys()];
    assert.deepEqual(all.sort(), [...new Set(exported.map(({ name }) => name))].sort());
  });

  it('mention no type that is not exported', () => {
    const known = new Set([...exported.map(({ declared }) => key(declared)), ...unnamed]);
    const missing = new Map<string, Set<string>>();
    for (const { name, declared } of exported) {
      for (const mentioned of mentionedBy(declared).map(key)) {
        if (known.has(mentioned)) continue;
        missing.set(mentioned, (missing.get(mentioned) ?? new Set()).add(name));
      }
    }
    assert.deepEqual(missing, new Map());
  });
});
