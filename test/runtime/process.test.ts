import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type ChildResult, runInChild } from '../support/child.js';

/** The end of a process takes no longer than some times what came before it on the same machine. */
function assertPrompt({ workedMs, lingeredMs }: ChildResult): void {
  assert.ok(lingeredMs < 10 * workedMs, `stayed ${lingeredMs} ms after ${workedMs} ms of work`);
}

describe('the end of a process', () => {
  for (const [name, body] of [
    ['nothing recorded', ''],
    ['a read', 'console.log(await softmax(runtime.tensor([1, 2, 3])).read());'],
    ['recorded, never read', 'softmax(runtime.tensor([1, 2, 3]));'],
    ['flushed, never awaited', 'softmax(runtime.tensor([1, 2, 3])); runtime.flush().catch(() => {});'],
    ['a read that is still under way', 'softmax(runtime.tensor([1, 2, 3])).read().catch(() => {});'],
    ['an error', 'await runtime.tensor([1, 2]).read(); try { runtime.tensor([1], [2]); } catch {}'],
    ['a lost device', 'runtime.gpu.device.destroy(); await runtime.flush().catch(() => {});'],
  ] as const) {
    it(`comes by itself after destroy(): ${name}`, async () => {
      const result = await runInChild(`
        const runtime = await Runtime.create();
        ${body}
        runtime.destroy();
        runtime.destroy();
        console.log('done');`);
      assert.equal(result.signal, null, result.stderr);
      assert.equal(result.code, 0, result.stderr);
      assertPrompt(result);
    });
  }

  it('comes by itself where destroy() is forgotten', async () => {
    const result = await runInChild(`
      const runtime = await Runtime.create();
      const capture = await runtime.capture(() => softmax(runtime.tensor([1, 2, 3])));
      capture.run();
      await capture.outputs.read();
      capture.outputs.read();
      console.log('done');`);
    assert.equal(result.signal, null, result.stderr);
    assert.equal(result.code, 0, result.stderr);
    assertPrompt(result);
  });

  it('comes with exit code 1 after an error that nobody catches, destroy() forgotten', async () => {
    const result = await runInChild(`await Runtime.create(); throw new Error('nobody catches this');`);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /nobody catches this/);
  });
});

describe('without an adapter', () => {
  // No Vulkan driver at all, neither the system's nor one in the user's cache.
  const cache = mkdtempSync(join(tmpdir(), 'tal-no-driver-'));
  after(() => rmSync(cache, { recursive: true }));
  const nothing = { VK_DRIVER_FILES: '/dev/null', VK_ICD_FILENAMES: '/dev/null', XDG_CACHE_HOME: cache };
  const open = (options: string) => `
    try {
      (await Runtime.create(${options})).destroy();
      console.log('opened');
    } catch (error) {
      console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message }));
    }
    console.log('done');`;

  for (const kind of ['auto', 'software', 'hardware']) {
    it(`${kind}: NoAdapterError says what to do, and the process ends`, async () => {
      const result = await runInChild(open(`{ adapter: '${kind}' }`), nothing);
      assert.equal(result.code, 0, result.stderr);
      assertPrompt(result);
      const error = JSON.parse(result.stdout.split('\n')[0]!);
      assert.equal(error.name, 'NoAdapterError');
      assert.equal(error.code, 'NO_ADAPTER');
      if (kind === 'hardware') assert.match(error.message, /driver of your GPU.*TAL_ADAPTER=software/);
      else assert.match(error.message, /npx tal setup.*mesa-vulkan-drivers/);
    });
  }

  it('TAL_ADAPTER chooses, and an unknown kind is refused', async () => {
    const hardware = await runInChild(open(''), { ...nothing, TAL_ADAPTER: 'hardware' });
    assert.match(hardware.stdout, /no hardware adapter/);
    const unknown = await runInChild(open(''), { TAL_ADAPTER: 'nonsense' });
    assert.match(
      unknown.stdout,
      /OptionError.*openAdapter: kind must be auto, hardware or software, not .*nonsense/,
    );
    assert.equal(unknown.code, 0);
  });

  it('hardware is refused where there is only a software driver', async (t) => {
    const kinds = await runInChild(
      'const r = await Runtime.create(); console.log(r.traits.deviceClass); r.destroy();',
    );
    if (!kinds.stdout.includes('software')) return t.skip('this machine has a GPU');
    const result = await runInChild(open(`{ adapter: 'hardware' }`));
    assert.match(result.stdout, /NoAdapterError/);
  });
});
