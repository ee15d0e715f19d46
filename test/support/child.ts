import { spawn } from 'node:child_process';
import { hangMs } from './limits.js';

/** The package's built entry point and the runtime, for the scripts of child processes. */
const source = new URL('../../src/', import.meta.url).href;

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Time from the start to the line "done", or to the exit. */
  readonly workedMs: number;
  /** Time from the line "done" to the exit. */
  readonly lingeredMs: number;
}

/**
 * Runs a module's text in a Node process of its own, with `Runtime`, `softmax` and the error classes at
 * hand. A process that hangs is killed and has signal SIGKILL.
 */
export function runInChild(
  body: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildResult> {
  const script = `
    const { Runtime } = await import('${source}tensor/runtime.js');
    const { softmax } = await import('${source}ops/array/softmax.js');
    const errors = await import('${source}errors.js');
    ${body}`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), hangMs);
    let stdout = '';
    let stderr = '';
    const began = performance.now();
    let done: number | undefined;
    child.stdout.on('data', (data) => {
      stdout += data;
      if (stdout.includes('done')) done ??= performance.now();
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const ended = performance.now();
      done ??= ended;
      resolve({ code, signal, stdout, stderr, workedMs: done - began, lingeredMs: ended - done });
    });
  });
}
