import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';

/**
 * Runs a training until a signal somewhere in its steps, or after them, ends it.
 * @param args of Node
 * @param log the run's log, which a run writes anew as its first step begins; how long that takes depends on the machine
 * @returns the status; null where the signal ended it at once
 */
export function stoppedRun(
  args: readonly string[],
  log: string,
  signal: NodeJS.Signals,
  cwd: string,
): Promise<number | null> {
  const logFile = () => statSync(log, { throwIfNoEntry: false })?.ino;
  return new Promise((resolve) => {
    const before = logFile();
    const child = spawn(process.execPath, args, { cwd, stdio: 'ignore' });
    const watch = setInterval(() => {
      if (logFile() === before) return;
      clearInterval(watch);
      setTimeout(() => child.kill(signal), 1000 * Math.random());
    }, 10);
    child.on('exit', (status) => {
      clearInterval(watch);
      resolve(status);
    });
  });
}
