import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hangMs } from '../support/limits.js';

const runner = fileURLToPath(new URL('../run.js', import.meta.url));
const passing = "require('node:test').test('passes', () => {});";

/** Runs the runner over a folder of these test files. */
function run(
  files: Record<string, string>,
  options: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'tal-run-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...options, folder], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      timeout: hangMs,
    });
    return { status, stdout, stderr, lastLine: stdout.trimEnd().split('\n').at(-1) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('tests that pass give their count, a line a file and exit code 0', () => {
  const { status, stdout, lastLine } = run({
    'unit/one.test.js': passing,
    'unit/deep/two.test.js': `${passing}${passing}require('node:test').test.skip('skipped', () => {});`,
    'unit/helper.js': 'process.abort();',
  });
  assert.match(stdout, /^✔ unit: unit\/one\.test\.js \(.* s\) 1 passed$/m);
  assert.match(stdout, /^✔ unit: unit\/deep\/two\.test\.js \(.* s\) 2 passed, 1 skipped$/m);
  assert.equal(lastLine, '3 passed, 0 failed, 1 skipped');
  assert.equal(status, 0);
});

test('a failure is shown in full and fails the run', () => {
  const { status, stdout, lastLine } = run({
    'unit/fails.test.js': `${passing}require('node:test').test('fails', () => { throw new Error('the reason'); });`,
    'unit/passes.test.js': passing,
  });
  assert.match(stdout, /^✖ unit: unit\/fails\.test\.js \(.* s\) 1 passed, 1 failed$/m);
  assert.equal(stdout.match(/Error: the reason/g)?.length, 1);
  assert.equal(lastLine, '2 passed, 1 failed, 0 skipped');
  assert.equal(status, 1);
});

test('a file that crashes, exits early or reports no test is one failure, and the rest still run', () => {
  const faults = {
    'unit/a.test.js': [`${passing}process.abort();`, /crashed with SIGABRT/],
    'unit/c.test.js': ["throw new Error('at load');", /exit code 1[\s\S]*at load/],
    'unit/d.test.js': ['process.exit(0);', /reported no test/],
    'unit/e.test.js': [`process.on('exit', () => { process.exitCode = 3; });${passing}`, /exit code 3/],
  } as const;
  const files = Object.fromEntries(Object.entries(faults).map(([name, [text]]) => [name, text]));
  const { status, stdout, lastLine } = run({ ...files, 'unit/z.test.js': passing });
  for (const [, expected] of Object.values(faults)) assert.match(stdout, expected);
  assert.match(stdout, /^✔ unit: unit\/z\.test\.js/m);
  assert.match(lastLine ?? '', /^\d+ passed, 4 failed, 0 skipped$/);
  assert.equal(status, 1);
});

test('a file that says nothing for too long is stopped', () => {
  const hang = "require('node:test').test('hangs', () => { for (;;); });";
  const stopped = run({ 'unit/hangs.test.js': hang }, ['--timeout', '2']);
  assert.match(stopped.stdout, /✖ unit: unit\/hangs\.test\.js .* stopped: it said nothing for 2 s/);
  assert.equal(stopped.status, 1);
});

test('a process that a test leaves behind does not hold up the run', () => {
  const leave = "require('node:child_process').spawn('sleep', ['100000'], { stdio: 'inherit' }).unref();";
  const { status, lastLine } = run({ 'unit/leaves.test.js': `${leave}${passing}` });
  assert.equal(lastLine, '1 passed, 0 failed, 0 skipped');
  assert.equal(status, 0);
});

test('tests outside unit/ and environment/ run once a driver, which they are told', () => {
  const text = `require('node:test').test('x', () => console.log('driver', process.env.TAL_TEST_DRIVER,
    process.env.TAL_ADAPTER, Boolean(process.env.VK_DRIVER_FILES)) ?? process.exit(1));`;
  const files = { 'ops/gpu.test.js': text, 'unit/host.test.js': passing };
  const { stdout } = run(files);
  // Whatever this machine has: a driver runs the file or is named as skipped, and never silently absent.
  for (const name of ['lavapipe', 'swiftshader', 'hardware']) {
    assert.match(stdout, new RegExp(`^(✖ ${name}: ops/gpu\\.test\\.js|${name} +SKIPPED, 1 file: .)`, 'm'));
  }
  assert.match(stdout, /^✔ unit: unit\/host\.test\.js/m);
  assert.doesNotMatch(stdout, /unit: ops|lavapipe: unit/);
  if (/^✖ lavapipe/m.test(stdout)) assert.match(stdout, /driver lavapipe software/);
  if (/^✖ swiftshader/m.test(stdout)) assert.match(stdout, /driver swiftshader software true/);
  if (/^✖ hardware/m.test(stdout)) assert.match(stdout, /driver hardware hardware/);
});

test('a run that finds no adapter for its GPU tests fails', () => {
  const files = { 'ops/gpu.test.js': passing, 'unit/host.test.js': passing };
  const { status, stderr } = run(files, [], {
    VK_DRIVER_FILES: '/nowhere.json',
    VK_ICD_FILENAMES: '/nowhere.json',
  });
  assert.match(stderr, /No WebGPU adapter.*provide-driver\.mjs/);
  assert.equal(status, 1);
});

test('--driver and --filter choose what runs; a run without a test is a failure', () => {
  const files = { 'unit/one.test.js': passing, 'unit/two.test.js': passing };
  assert.equal(run(files, ['--driver', 'unit', '--filter', 'two']).lastLine, '1 passed, 0 failed, 0 skipped');
  const none = run(files, ['--filter', 'three']);
  assert.equal(none.lastLine, '0 passed, 0 failed, 0 skipped');
  assert.match(none.stderr, /No test was run/);
  assert.equal(none.status, 1);
});

test('an option that is unknown or out of range is named', () => {
  for (const [options, message] of [
    [
      ['--driver', 'vulkan'],
      /--driver takes one of unit, lavapipe, swiftshader, matrix, hardware, not vulkan/,
    ],
    [['--timeout', 'soon'], /--timeout takes a positive number/],
    [['--test-concurrency', '0'], /--test-concurrency takes a positive number/],
    [['--shuffle'], /--shuffle/],
  ] as const) {
    const { status, stderr } = run({}, options);
    assert.match(stderr, message);
    assert.equal(status, 1);
  }
});
