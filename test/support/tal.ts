import { type SpawnSyncOptionsWithStringEncoding, spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.js';
import { hangMs } from './limits.js';

/** The program. */
export const talPath = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A run of `tal` that has ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Text extends Writable {
  text = '';

  override _write(part: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += part;
    done();
  }
}

/** Runs `tal` within this process, which takes no time; what progress displays write is not caught. One at a time. */
export async function tal(args: readonly string[], cwd: string): Promise<Ended> {
  const [stdout, stderr] = [new Text(), new Text()];
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const status = await run(args, { stdout, stderr });
    return { status, stdout: stdout.text, stderr: stderr.text };
  } finally {
    process.chdir(before);
  }
}

type ProcessOptions = Partial<SpawnSyncOptionsWithStringEncoding> & { readonly cwd: string };

/** Runs `tal` in a process of its own: for what ends a process, and for its streams and its environment. */
export function talProcess(
  args: readonly string[],
  { env, ...options }: ProcessOptions,
  nodeArgs: readonly string[] = [],
): Ended {
  return spawnSync(process.execPath, [...nodeArgs, talPath, ...args], {
    ...options,
    encoding: 'utf8',
    timeout: hangMs,
    env: { ...process.env, ...env },
  });
}
