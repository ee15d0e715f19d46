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
const base = ['errors', 'inspected', 'node-module', 'arguments', 'abort', 'time'];
/** Layers above others, in the order of ARCHITECTURE.md: each may import those before it. */
const stack = ['gpu', 'tensor', 'ops', 'autograd', 'nn', 'diffusion', 'training', 'models'];
/** Layers beside the stack that know neither it nor each other. */
const leaves = ['data', 'evaluation'];

const mayImport: Record<string, string[]> = {
  ...Object.fromEntries([...base, ...stack].map((layer, i, all) => [layer, all.slice(0, i)])),
  ...Object.fromEntries(leaves.map((layer) => [layer, base])),
  datasets: [...base, 'data'],
  cli: [...base, ...leaves, 'datasets', ...stack],
  index: [...base, ...leaves, 'datasets', ...stack],
};
/** Layers that meet files and metrics. */
for (const layer of ['tensor', 'nn', 'models', 'training'])
  mayImport[layer] = [...mayImport[layer]!, ...leaves];
/** A model says what it takes of a data set. */
mayImport.models!.push('datasets');
/** Layers that launch kernels. */
const launchesKernels = ['ops', 'diffusion'];

/** The layer of a file below src/: its folder, or its own name at the top. */
function layerOf(path: string): string {
  return path.split('/')[0]!.replace(/\.ts$/, '');
}

/** Relative imports of a TypeScript file, as paths from the root without an ending; `values` leaves out `import type`. */
function importsOf(path: string, values = false): string[] {
  let text = readFileSync(join(root, path), 'utf8');
  if (values) text = text.replace(/^(?:import|export) type \{[^}]*\} from [^;]+;/gm, '');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    normalize(join(dirname(path), match[1]!))
      .replaceAll('\\', '/')
      .replace(/\.js$/, ''),
  );
}

/** Groups of nodes that reach each other (Tarjan 1972), each sorted. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  /** The lowest place in the order that a node reaches through nodes of the stack. */
  const visit = (node: string): number => {
    const own = order.size;
    let lowest = own;
    order.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) lowest = Math.min(lowest, visit(next));
      else if (stack.includes(next)) lowest = Math.min(lowest, order.get(next)!);
    }
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1) found.push(group.sort());
    }
    return lowest;
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found.sort();
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

/** Of types alone, each with its reason. */
const circlesOfTypes = [
  // A runtime makes tensors, captures and launches, and each of them knows its runtime.
  ['capture', 'launch', 'owner', 'runtime', 'tape', 'tensor'].map((name) => `src/tensor/${name}`),
];

describe('imports among the files of src/', () => {
  const graph = (values: boolean) =>
    new Map(files.map((path) => [`src/${path}`.replace(/\.ts$/, ''), importsOf(`src/${path}`, values)]));

  it('have no circle by value', () => {
    assert.deepEqual(circles(graph(true)), []);
  });

  it('have no circle by type but those that have a reason', () => {
    assert.deepEqual(circles(graph(false)), circlesOfTypes);
  });

  it('would show one', () => {
    const looped = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['b']],
      ['d', []],
    ]);
    assert.deepEqual(circles(looped), [['b', 'c']]);
  });
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
