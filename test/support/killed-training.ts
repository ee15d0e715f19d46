import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** When runs are killed. */
export interface Kills {
  /** How often, at most. */
  readonly most: number;
  /** Steps that are done before the first one; default: one. */
  readonly after?: number;
  /** Milliseconds from then, or from the next save, to a kill, at most. */
  readonly longest: number;
}

/** Runs a program that trains in a folder. @returns the status; null where it was killed */
function run(args: readonly string[], folder: string, kills: Kills | undefined): Promise<number | null> {
  const state = join(folder, 'state.safetensors');
  const saved = () => statSync(state, { throwIfNoEntry: false })?.ino;
  const before = saved();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const watch = setInterval(() => {
      if (!kills || saved() === before || logOf(folder).length < (kills.after ?? 1)) return;
      clearInterval(watch);
      setTimeout(() => child.kill('SIGKILL'), kills.longest * Math.random());
    }, 5);
    child.on('exit', (status) => {
      clearInterval(watch);
      resolve(status);
    });
  });
}

/**
 * Runs a program until it has written `model.safetensors` into its folder, and kills it on the way.
 * @param args what follows `node`
 * @returns how often it was killed
 * @throws Error where a run fails by itself
 */
export async function killedTraining(args: readonly string[], folder: string, kills: Kills): Promise<number> {
  let count = 0;
  while (!existsSync(join(folder, 'model.safetensors'))) {
    const status = await run(args, folder, count < kills.most ? kills : undefined);
    if (status === null) count++;
    else if (status !== 0) throw new Error(`the training ended with status ${status}`);
  }
  return count;
}

/** The complete lines of a log, without what depends on the machine. */
export const logOf = (folder: string): readonly { readonly validation?: object; readonly step: number }[] =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => ({ ...JSON.parse(line), seconds: 0 }));
