/** A page loads the package without a bundler: what `src/index.ts` reaches must be files of the package alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

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

test('nothing that src/index.ts loads imports a module of Node or another package', () => {
  const loaded = load(new URL('../../src/index.js', import.meta.url));
  assert.ok(loaded.size > 50, `only ${loaded.size} files were followed`);
  const foreign = [...loaded].filter(([, specifiers]) => specifiers.length > 0);
  assert.deepEqual(foreign, []);
});
