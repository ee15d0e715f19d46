import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { driverCache } from '../../src/gpu/cached-driver.js';
import { hangMs } from '../support/limits.js';

const module = new URL('../../src/gpu/cached-driver.js', import.meta.url).href;
const home = mkdtempSync(join(tmpdir(), 'tal-cache-'));
after(() => rmSync(home, { recursive: true }));

/** Runs code that has `cached`, the exports of cached-driver, in a fresh process; what it returns. */
function evaluate(body: string, environment: NodeJS.ProcessEnv = { XDG_CACHE_HOME: home }): unknown {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, VK_ADD_DRIVER_FILES, XDG_RUNTIME_DIR, ...inherited } =
    process.env;
  const code = `import * as cached from ${JSON.stringify(module)};
    const value = await (async () => { ${body} })();
    process.stdout.write(JSON.stringify(value ?? null), () => process.exit());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    cwd: new URL('.', import.meta.url),
    env: { ...inherited, ...environment },
    timeout: hangMs,
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

/** Activates the cached driver, asks Dawn for a software adapter, and lists the Vulkan libraries then loaded. */
const openDawn = `
  cached.activateCachedDriver();
  const { create } = await import('webgpu');
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ forceFallbackAdapter: true });
  const { readFileSync } = await import('node:fs');
  const loaded = readFileSync('/proc/self/maps', 'utf8').match(/\\/.*libvulkan[^/\\n]*$/gm) ?? [];
  return { adapter: adapter?.info.description ?? null, loaded: [...new Set(loaded)] };`;

describe('the cached driver', { skip: process.platform !== 'linux' && 'it is for Linux' }, () => {
  const inherited = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = home;
  const folder = join(driverCache(), 'vulkan');
  if (inherited === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = inherited;

  const icd = join(folder, 'tal_webgpu_lavapipe_icd.json');
  const writeManifest = (text: string) => writeFileSync(join(folder, 'driver.json'), text);

  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(icd, '{}');
  });

  test('is there when its manifest and all that it names are', () => {
    writeManifest(JSON.stringify({ icd, libraries: [icd] }));
    assert.deepEqual(evaluate('return cached.cachedDriver()'), {
      kind: 'lavapipe',
      path: icd,
      libraries: [icd],
    });
  });

  test('is not there when half unpacked, damaged or incomplete', () => {
    assert.equal(evaluate('return cached.cachedDriver()'), null);
    for (const text of [
      '',
      '{',
      '[]',
      '{}',
      'null',
      JSON.stringify({ icd, libraries: [`${icd}.missing`] }),
    ]) {
      writeManifest(text);
      const activated = 'cached.activateCachedDriver(); return process.env.VK_ADD_DRIVER_FILES';
      assert.equal(evaluate('return cached.cachedDriver()'), null, text);
      assert.equal(evaluate(activated), null, text);
    }
  });

  test('gives way to a driver that the user chose', () => {
    writeManifest(JSON.stringify({ icd, libraries: [] }));
    for (const variable of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
      const body =
        'cached.activateCachedDriver(); return [cached.cachedDriver(), process.env.VK_ADD_DRIVER_FILES]';
      assert.deepEqual(evaluate(body, { XDG_CACHE_HOME: home, [variable]: '/theirs.json' }), [null, null]);
    }
  });

  test('is what Dawn then uses, with the cached Vulkan loader instead of any other', (context) => {
    const machine = evaluate(openDawn, {}) as { adapter: string; loaded: string[] };
    const driver = machine.loaded.find((file) => file.includes('libvulkan_lvp'));
    const loader = machine.loaded.find((file) => file.includes('libvulkan.so'));
    if (!driver || !loader) return context.skip('this machine has no lavapipe');

    // A cached driver made of the machine's own; libraries that the machine itself has in its cache come along.
    const own = evaluate('return cached.cachedDriver()', {}) as { libraries: string[] } | null;
    const copy = join(folder, 'libvulkan.so.1');
    copyFileSync(loader, copy);
    writeFileSync(
      icd,
      JSON.stringify({ file_format_version: '1.0.0', ICD: { library_path: driver, api_version: '1.3.0' } }),
    );
    const onlyCached = { XDG_CACHE_HOME: home, VK_LOADER_DRIVERS_SELECT: '*tal_webgpu*' };
    const needed = (own?.libraries ?? []).filter((file) => !file.includes('libvulkan.so'));

    writeManifest('{}');
    assert.equal((evaluate(openDawn, onlyCached) as { adapter: unknown }).adapter, null);
    writeManifest(JSON.stringify({ icd, libraries: [...needed, copy] }));
    const { adapter, loaded } = evaluate(openDawn, onlyCached) as { adapter: unknown; loaded: string[] };
    assert.equal(adapter, machine.adapter);
    assert.deepEqual(
      loaded.filter((file) => file.includes('libvulkan.so')),
      [copy],
    );
  });
});
