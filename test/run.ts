/**
 * Runs the tests: those that need no driver of ours (unit, environment, browser, examples) once, all others once with each driver at hand.
 *
 *   node dist/test/run.js [options] [folder]
 *
 *   --driver NAME          only unit, lavapipe, swiftshader, matrix or hardware (repeatable)
 *   --filter TEXT          only files whose path contains TEXT (repeatable)
 *   --timeout SECONDS      how long one file may say nothing: it hangs, however slow the machine
 *   --test-concurrency N   how many files run at a time
 *
 * `swiftshader` runs the tests of operations and runtime and those of one model, `matrix`, a newer lavapipe with subgroup
 * matrices (scripts/matrix-host.sh), those of the operations that use them; `lavapipe` and `hardware` run all.
 * A test sees its driver in TAL_TEST_DRIVER. Every file is a process of its own, so that one that crashes or
 * hangs is a failure of that file and of no other. The last line is "N passed, N failed, N skipped".
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cachedSwiftShader } from '../src/gpu/cached-driver.js';
import { hangMs } from './support/limits.js';

/** A pass over the test files. */
interface Pass {
  readonly name: 'unit' | 'lavapipe' | 'swiftshader' | 'matrix' | 'hardware';
  /** The adapter's own name, or what runs instead. */
  readonly label: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What starts Node: a command and its first arguments. */
  readonly node: readonly [string, ...string[]];
  /** Only files whose paths begin with one of these; all that need a GPU when absent. */
  readonly only?: readonly string[];
  /** Why this machine cannot run it. */
  readonly unavailable?: string;
}

interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Options {
  readonly folder: string;
  readonly drivers: readonly string[];
  readonly filters: readonly string[];
  readonly timeoutSeconds: number;
  readonly concurrency: number;
}

/** Folders whose tests choose their own adapter or need none: they run once. */
const hostFolders = ['unit', 'environment', 'browser', 'examples'];
const passNames = ['unit', 'lavapipe', 'swiftshader', 'matrix', 'hardware'];
const matrixHost = fileURLToPath(new URL('../../scripts/matrix-host.sh', import.meta.url));
/** Tests of the operations that may use subgroup matrices. */
const matrixFiles = ['attention', 'conv', 'gated-conv', 'matmul', 'quantized'].map(
  (name) => `ops/${name}.test.`,
);
/** Tests of the kernels and of what runs them: there the driver computes workgroups side by side. */
const kernelFolders = ['environment', 'ops', 'runtime'];
/**
 * Elsewhere lavapipe computes in the thread that hands over the work: in small models waking others takes longer than
 * what they would do, and another file runs on the other core.
 */
const oneThread = { LP_NUM_THREADS: '0' };
/** Files that take longest: they come first, so that no worker ends long after the others. */
const longFiles = [
  'ops/vocabulary',
  'models/grounding',
  'cli/train-datasets',
  'training/killed-run',
  'models/wtal-systems',
  'ops/attention',
  'ops/matmul',
  'ops/conv',
  'cli/compare',
  'models/cg-detr',
  'runtime/levels',
  'ops/quantized',
];
const running = new Set<ChildProcess>();

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      driver: { type: 'string', multiple: true, default: [] },
      filter: { type: 'string', multiple: true, default: [] },
      timeout: { type: 'string', default: '3600' },
      'test-concurrency': { type: 'string', default: String(Math.min(4, availableParallelism())) },
    },
  });
  const positive = (name: 'timeout' | 'test-concurrency', value: number) => {
    if (value > 0) return value;
    throw new Error(`--${name} takes a positive number`);
  };
  for (const name of values.driver) {
    if (!passNames.includes(name))
      throw new Error(`--driver takes one of ${passNames.join(', ')}, not ${name}`);
  }
  return {
    folder: positionals[0] ?? fileURLToPath(new URL('.', import.meta.url)),
    drivers: values.driver.length > 0 ? values.driver : passNames,
    filters: values.filter,
    timeoutSeconds: positive('timeout', Number(values.timeout)),
    concurrency: positive('test-concurrency', Math.floor(Number(values['test-concurrency']))),
  };
}

function findTestFiles({ folder, filters }: Options): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.test\.[cm]?js$/.test(path))
    .filter((path) => filters.length === 0 || filters.some((text) => path.includes(text)))
    .sort()
    .sort((a, b) => rankOf(a) - rankOf(b));
}

/** The place of a file among those that come first; after them all others. */
function rankOf(file: string): number {
  const rank = longFiles.findIndex((name) => pathOf(file).startsWith(`${name}.test.`));
  return rank < 0 ? longFiles.length : rank;
}

/** A file's path with slashes. */
function pathOf(file: string): string {
  return file.split(sep).join('/');
}

function folderOf(file: string): string {
  return file.split(sep)[0]!;
}

/** Needs no GPU, so it runs once. */
function isHostFile(file: string): boolean {
  return hostFolders.includes(folderOf(file));
}

/** The passes that `drivers` asks for. Looks for adapters only when a file is to run with one. */
function planPasses(drivers: readonly string[], files: readonly string[]): Pass[] {
  const needsGpu = drivers.some((name) => name !== 'unit') && !files.every(isHostFile);
  const adapters = needsGpu ? findAdapters() : {};
  const swiftShader = cachedSwiftShader();
  const matrixProblem = needsGpu && drivers.includes('matrix') ? findMatrixHost() : '';
  const pass = (
    name: Pass['name'],
    label: string | undefined,
    absence: string,
    environment: Record<string, string>,
    where: Partial<Pick<Pass, 'node' | 'only'>> = {},
  ): Pass => ({
    name,
    label: label ?? '',
    environment: { TAL_TEST_DRIVER: name, ...environment },
    node: [process.execPath],
    ...where,
    ...(label ? {} : { unavailable: absence }),
  });
  return [
    pass('unit', 'no GPU', '', {}),
    pass('lavapipe', adapters.software, 'Dawn finds no software driver', { TAL_ADAPTER: 'software' }),
    // A second opinion on the kernels and on what runs them: models and commands launch the same kernels again.
    pass(
      'swiftshader',
      swiftShader && 'SwiftShader',
      'it could not be provided, see above',
      { TAL_ADAPTER: 'software', VK_DRIVER_FILES: swiftShader ?? '' },
      { only: ['ops/', 'runtime/', 'models/map-diffusion.test.js'] },
    ),
    pass(
      'matrix',
      matrixProblem ? undefined : 'lavapipe with subgroup matrices',
      matrixProblem,
      { TAL_ADAPTER: 'software' },
      { node: [matrixHost, 'node'], only: matrixFiles },
    ),
    pass('hardware', adapters.hardware, 'this machine has no GPU that Dawn can use', {
      TAL_ADAPTER: 'hardware',
    }),
  ].filter(({ name }) => drivers.includes(name));
}

/**
 * The names of the adapters that Dawn finds, looked for in a process of its own: a driver may crash.
 * @throws Error where there is none, so that a run without any GPU test is never taken for a good one.
 */
function findAdapters(): { software?: string; hardware?: string } {
  const script = fileURLToPath(new URL('../../scripts/provide-driver.mjs', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script, '--probe'], { encoding: 'utf8', timeout: hangMs });
  const { software, hardware, problem } = JSON.parse(stdout || '{}');
  if (software || hardware) return { software, hardware };
  throw new Error(`No WebGPU adapter${problem ? ` (${problem})` : ''}: run node scripts/provide-driver.mjs`);
}

/** Why there is no host with subgroup matrices; empty where there is one. */
function findMatrixHost(): string {
  const { status, stdout, error } = spawnSync(matrixHost, ['--check'], { encoding: 'utf8', timeout: hangMs });
  return status === 0 ? '' : stdout?.trim() || error?.message || 'it could not be started';
}

async function runPass(pass: Pass, files: readonly string[], options: Options): Promise<FileResult[]> {
  const queue = [...files];
  const results: FileResult[] = [];
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      results.push(await runFile(pass, file, options));
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  return results;
}

/** Runs one file and prints its outcome: a line, and all that it said where something failed. */
async function runFile(pass: Pass, file: string, { folder, timeoutSeconds }: Options): Promise<FileResult> {
  const started = performance.now();
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const [command, ...first] = pass.node;
  const child = spawn(command, [...first, '--test-reporter=spec', join(folder, file)], {
    env: {
      ...inherited,
      ...(kernelFolders.includes(folderOf(file)) ? {} : oneThread),
      ...pass.environment,
      ...{ NO_COLOR: '1', FORCE_COLOR: '0' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group, to be killed with whatever the test started
  });
  running.add(child);
  let output = '';
  let errors = '';
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, timeoutSeconds * 1000);
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    timer.refresh();
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
    timer.refresh();
  });
  child.on('exit', () => killGroup(child));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on('close', (...status) => resolve(status)),
  );
  clearTimeout(timer);
  running.delete(child);

  const count = (what: string) => Number(new RegExp(`^ℹ ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const passed = count('pass');
  const skipped = count('skipped') + count('todo');
  let failed = count('fail') + count('cancelled');
  let cause = '';
  if (timedOut) cause = `stopped: it said nothing for ${timeoutSeconds} s`;
  else if (signal) cause = `crashed with ${signal}`;
  else if (code !== 0 && failed === 0) cause = `ended with exit code ${code}`;
  else if (passed + failed + skipped === 0) cause = 'reported no test';
  if (cause) failed++;

  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counts = [`${passed} passed`, failed && `${failed} failed`, skipped && `${skipped} skipped`];
  const line = [
    failed ? '✖' : '✔',
    `${pass.name}:`,
    pathOf(file),
    `(${seconds} s)`,
    [...counts, cause].filter(Boolean).join(', '),
  ];
  console.log(line.join(' '));
  const details = failed ? [...failures(output), ...errors.split('\n')] : notes(output);
  for (const detail of details) if (detail.trim()) console.log(`    ${detail}`);
  return { passed, failed, skipped };
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // no such group: nothing is left, or the platform has no groups
  }
}

/** What the spec reporter and the tests said, without passes and counts. */
function failures(output: string): string[] {
  const said = output
    .split('\n')
    .filter((line) => !/^\s*✔|^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(line));
  // Node 20 reports a failure where it happens and again in a list at the end; others only in the list.
  const list = said.indexOf('✖ failing tests:');
  if (list < 0) return said;
  const before = said.slice(0, list);
  const known = new Set(before.map((line) => line.trim()));
  return [...before, ...said.slice(list).filter((line) => !known.has(line.trim()))];
}

/** Why tests were skipped, each reason once, and what tests print about themselves as `# …`. */
function notes(output: string): string[] {
  const said = output.split('\n').flatMap((line) => {
    const [, test, reason] = /^\s*﹣ (.*?) \([\d.]+ms\) # (.*)$/.exec(line) ?? [];
    if (reason) return [`skipped: ${reason === 'SKIP' ? test : reason}`];
    return /^\s*(﹣|#) /.test(line) ? [line.trim()] : [];
  });
  return [...new Set(said)];
}

function countFiles(files: readonly string[]): string {
  return files.length === 1 ? '1 file' : `${files.length} files`;
}

function sum(results: readonly FileResult[]): FileResult {
  return results.reduce(
    (total, { passed, failed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

async function main(): Promise<void> {
  const options = readOptions();
  const files = findTestFiles(options);
  const results: FileResult[] = [];
  const summary: string[] = [];
  for (const pass of planPasses(options.drivers, files)) {
    const own = files
      .filter((file) => isHostFile(file) === (pass.name === 'unit'))
      .filter((file) => pass.only?.some((start) => pathOf(file).startsWith(start)) ?? true);
    if (own.length === 0) continue;
    const name = pass.name.padEnd(12);
    if (pass.unavailable) {
      summary.push(`${name} SKIPPED, ${countFiles(own)}: ${pass.unavailable}`);
      continue;
    }
    console.log(`\n${pass.name}: ${countFiles(own)}, ${pass.label}`);
    const started = performance.now();
    const passResults = await runPass(pass, own, options);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const { passed, failed, skipped } = sum(passResults);
    summary.push(
      `${name} ${countFiles(own)}, ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s (${pass.label})`,
    );
    results.push(...passResults);
  }
  const { passed, failed, skipped } = sum(results);
  if (summary.length > 0) console.log(`\n${summary.join('\n')}`);
  if (results.length === 0) console.error('No test was run.');
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) killGroup(child);
    process.exit(1);
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
