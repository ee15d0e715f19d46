/**
 * The package in a page: headless Chromium loads the built files as ES modules, without a bundler, and runs
 * `checks.ts` on SwiftShader. Skipped where there is no Chromium; the environment variable CHROMIUM names one
 * that is not at /usr/bin/chromium.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import { writeWorldVideo } from '../../src/cli/commands/sample.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { temporalIoU } from '../../src/time/segment.js';
import { hangMs } from '../support/limits.js';
import { noVideoLibrary } from '../support/video-library.js';
import { checks } from './checks.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const absence =
  process.env.CHROMIUM === undefined && !existsSync(executablePath)
    ? `there is no ${executablePath}: install Chromium, or name one in the environment variable CHROMIUM`
    : undefined;

/** The flags that keep Chromium off the network stand beside those that give a page WebGPU without a GPU. */
const flags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

const root = new URL('../../../', import.meta.url);
const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.safetensors': 'application/octet-stream',
};

/** Serves the files of the package, and an empty page at `/`. */
const server = createServer(async ({ url }, response) => {
  const path = new URL(url ?? '/', 'http://page').pathname;
  const type = contentTypes[path === '/' ? '.html' : extname(path)];
  const content =
    path === '/' ? '<!doctype html>' : await readFile(new URL(`.${path}`, root)).catch(() => null);
  if (type === undefined || content === null) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type }).end(content);
});

if (absence) it('in Chromium', { skip: absence });
else describe('in Chromium', { timeout: hangMs }, testInChromium);

function testInChromium(): void {
  let browser: Browser;
  let address: string;

  before(async () => {
    browser = await chromium.launch({ executablePath, args: flags, timeout: hangMs });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    console.log(`# Chromium ${browser.version()}`);
  });

  after(async () => {
    await browser?.close();
    server.close();
  });

  /** Opens a page of its own, runs `body` in it, and fails where the page reported an error. */
  async function visit(path: string, body: (page: Page) => Promise<void>): Promise<void> {
    const page = await browser.newPage();
    page.setDefaultTimeout(hangMs);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('response', (response) => {
      // A folder of weights may have an index of parts: one that has none is asked for it.
      const mayLack = ['/favicon.ico', '/model.safetensors.index.json'];
      if (!response.ok() && !mayLack.some((name) => response.url().endsWith(name))) {
        errors.push(`${response.status()} ${response.url()}`);
      }
    });
    await page.goto(address + path);
    await body(page).finally(() => page.close());
    assert.deepEqual(errors, []);
  }

  for (const name of Object.keys(checks)) {
    it(name, () =>
      visit('/', async (page) => {
        const call = `import('/dist/test/browser/checks.js').then(({ checks }) => checks[${JSON.stringify(name)}]())`;
        console.log(`# ${await page.evaluate(call)}`);
      }),
    );
  }

  it('examples/browser.html shows its result', () =>
    visit('/examples/browser.html', async (page) => {
      await page.waitForFunction("document.querySelector('output').textContent !== ''", undefined, {
        timeout: hangMs,
      });
      assert.match(
        (await page.textContent('output')) ?? '',
        /5\.12 to 10\.24 seconds, 16\.64 to 30\.72 seconds$/,
      );
    }));

  it('examples/localize.html finds a moment in a video that is dropped', { skip: noVideoLibrary }, () =>
    visit('/examples/localize.html', async (page) => {
      const world = worldVideo(worldSeed('test', 2));
      const folder = await mkdtemp(join(tmpdir(), 'tal-page-'));
      const file = join(folder, 'video.mp4');
      await writeWorldVideo(file, world);
      const bytes = (await readFile(file)).toString('base64');
      await rm(folder, { recursive: true });
      const { query, span } = world.queries.find(({ kind }) => kind === 'single') ?? world.queries[0]!;
      await page.fill('[type=text]', query);
      await page.evaluate(`{
        const bytes = Uint8Array.from(atob('${bytes}'), (character) => character.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], 'video.mp4', { type: 'video/mp4' }));
        dispatchEvent(new DragEvent('drop', { dataTransfer }));
      }`);
      await page.waitForFunction("document.querySelector('output').textContent !== ''", undefined, {
        timeout: hangMs,
      });
      const said = (await page.textContent('output')) ?? '';
      console.log(`# ${query}: ${said}, in truth ${span.map((seconds) => seconds.toFixed(2)).join(' to ')}`);
      const [, start, end] = /^([\d.]+) to ([\d.]+) seconds, score/.exec(said) ?? [];
      assert.ok(temporalIoU([Number(start), Number(end)], span) > 0.5, said);
    }),
  );
}
