import { Console } from 'node:console';
import { CommanderError } from 'commander';
import { TalError } from '../errors.js';
import { type Streams, talProgram } from './program.js';
import { brokenPipe, ExitStatus } from './shared/exit-status.js';

/**
 * Runs `tal` with these arguments, one run at a time.
 * @param streams where it prints, but for progress displays; default: those of the process
 * @returns the status that the process should end with
 */
export async function run(argv: readonly string[], streams: Streams = process): Promise<number> {
  const before = globalThis.console;
  if (streams !== process) globalThis.console = new Console(streams);
  try {
    await talProgram(streams).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof ExitStatus) return error.status;
    if (!(error instanceof TalError)) throw error;
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE') return brokenPipe;
    console.error(`tal: ${error.message}`);
    if (process.env.TAL_DEBUG) console.error(error);
    return 1;
  } finally {
    // A command whose document goes to standard output changes it too.
    globalThis.console = before;
  }
}
