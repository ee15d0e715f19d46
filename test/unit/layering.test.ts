import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allKernels } from '../../kernels/all.js';
import { entryPoints } from '../support/entry-points.js';

// This file runs as dist/test/unit/layering.test.js.
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What everything may use, each what comes before it. */
const base = ['errors', 'node-module', 'arguments', 'time'];
/** Layers above others, in the order of ARCHITECTURE.md: each may import those before it. */
const stack = ['gpu', 'tensor', 'ops', 'autograd', 'nn', 'diffusion', 'models', 'training'];
/** Layers beside the stack that know neither it nor each other. */
const leaves = ['data', 'evaluation'];

const mayImport: Record<string, readonly string[]> = {
  ...Object.fromEntries([...base, ...stack].map((layer, i, all) => [layer, all.slice(0, i)])),
  ...Object.fromEntries(leaves.map((layer) => [layer, base])),
  cli: [...base, ...leaves, ...stack],
  index: [...base, ...leaves, ...stack],
};
/** Layers that meet files and metrics. */
for (const layer of ['tensor', 'nn', 'models', 'training'])
  mayImport[layer] = [...mayImport[layer]!, ...leaves];
/** Layers that launch kernels. */
const launchesKernels = ['ops', 'diffusion', 'training'];

/** The layer of a file below src/: its folder, or its own name at the top. */
function layerOf(path: string): string {
  return path.split('/')[0]!.replace(/\.ts$/, '');
}

/** Relative imports of a TypeScript file, as paths from the root without an ending. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    normalize(join(dirname(path), match[1]!))
      .replaceAll('\\', '/')
      .replace(/\.js$/, ''),
  );
}

const files = readdirSync(join(root, 'src'), { recursive: true })
  .map((path) => String(path).replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'));

describe('layers of src/', () => {
  it('are all known', () => {
    const unknown = files.filter((path) => !(layerOf(path) in mayImport));
    assert.deepEqual(unknown, []);
    assert.ok(files.length > 10 && files.flatMap((path) => importsOf(`src/${path}`)).length > 20);
  });

  it('import no entry point', () => {
    const entries = [...entryPoints.values()];
    const wrong = files.filter((path) => importsOf(`src/${path}`).some((to) => entries.includes(to)));
    assert.deepEqual(wrong, []);
  });

  for (const [layer, allowed] of Object.entries(mayImport)) {
    it(`${layer} imports only ${allowed.join(', ') || 'nothing'}`, () => {
      const wrong: string[] = [];
      for (const path of files.filter((path) => layerOf(path) === layer)) {
        for (const imported of importsOf(`src/${path}`)) {
          const fine = imported.startsWith('src/')
            ? [layer, ...allowed].includes(layerOf(imported.slice(4)))
            : (imported.startsWith('kernels/') && launchesKernels.includes(layer)) ||
              (imported === 'bench/command' && layer === 'cli');
          if (!fine) wrong.push(`src/${path} imports ${imported}`);
        }
      }
      assert.deepEqual(wrong, []);
    });
  }
});

describe('kernels', () => {
  it('import from kernels/lib only', () => {
    const wrong: string[] = [];
    for (const { name, imports } of allKernels) {
      for (const imported of Object.keys(imports)) {
        if (!imported.startsWith('lib/')) wrong.push(`kernels/${name}.wgsl imports ${imported}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});
