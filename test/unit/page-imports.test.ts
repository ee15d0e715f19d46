/** A page loads the package without a bundler: what an entry point reaches must be files of the package alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { entryPoints } from '../support/entry-points.js';

/** Every file that loading `url` loads, with the specifiers in it that are not relative. */
function load(url: URL, loaded = new Map<string, string[]>()): Map<string, string[]> {
  if (loaded.has(url.href)) return loaded;
  const specifiers = [
    ...readFileSync(url, 'utf8').matchAll(/^(?:import|export)(?:[^;]*?\bfrom)? *'([^']+)';$/gm),
  ].map(([, specifier]) => specifier!);
  loaded.set(
    url.href,
    specifiers.filter((specifier) => !specifier.startsWith('.')),
  );
  for (const specifier of specifiers) if (specifier.startsWith('.')) load(new URL(specifier, url), loaded);
  return loaded;
}

for (const [entryPoint, file] of entryPoints) {
  test(`nothing that ${entryPoint} loads imports a module of Node or another package`, () => {
    const loaded = load(new URL(`../../${file}.js`, import.meta.url));
    assert.ok(loaded.size > 10, `only ${loaded.size} files were followed`);
    const foreign = [...loaded].filter(([, specifiers]) => specifiers.length > 0);
    assert.deepEqual(foreign, []);
  });
}

for (const [what, file] of [
  ['the language model', 'models/mdvlm/language/model-folder'],
  ['the decoding of answers', 'models/mdvlm/decoding/decode'],
  ['the localization of videos', 'models/mdvlm/video/localize-video'],
  ['the localization of moments', 'models/map-diffusion/localize'],
  ['CMCS', 'models/wtal/localize'],
  ['gated convolutions', 'nn/gated-conv'],
  ['checkpoint', 'autograd/checkpoint'],
]) {
  test(`${what} loads no kernel of a gradient`, () => {
    const loaded = [...load(new URL(`../../src/${file}.js`, import.meta.url)).keys()];
    assert.ok(loaded.some((url) => url.includes('/kernels/')) || file === 'autograd/checkpoint');
    assert.deepEqual(
      loaded.filter((url) => /gradient/.test(url)),
      [],
    );
  });
}

test('differentiation loads kernels of gradients', () => {
  const loaded = [...load(new URL('../../src/autograd/value-and-grad.js', import.meta.url)).keys()];
  assert.ok(loaded.some((url) => /\/kernels\/.*gradient/.test(url)));
});

for (const [library, file] of [
  ['mediabunny', 'video/video-library'],
  ['h5wasm', 'formats/hdf5-library'],
] as const) {
  test(`${library} is imported by its name, so that bundlers find it, and where it is absent they go on`, () => {
    const text = readFileSync(new URL(`../../src/data/${file}.js`, import.meta.url), 'utf8');
    // esbuild only warns of a missing package in a try block, Vite only of an optional peer.
    assert.match(text, new RegExp(`try \\{[^}]*\\bawait import\\('${library}'\\)[^}]*\\}\\s*catch`));
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      optionalDependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
      peerDependenciesMeta: Record<string, { optional?: boolean }>;
    };
    assert.equal(manifest.peerDependencies[library], manifest.optionalDependencies[library]);
    assert.deepEqual(manifest.peerDependenciesMeta[library], { optional: true });
    const imports = [...text.matchAll(/\bimport\(([^)]*)\)/g)].map(([, name]) => name!);
    const literal = imports.filter((name) => name.startsWith("'"));
    assert.deepEqual(literal, [`'${library}'`]);
  });
}
