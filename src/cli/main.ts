#!/usr/bin/env node
import { fileAccessError } from '../data/files/byte-source.js';
import { run } from './run.js';
import { brokenPipe } from './shared/exit-status.js';

/** Ends the process: what it prints goes nowhere. */
function endWithoutOutput(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(brokenPipe);
  process.stderr.write(`tal: ${fileAccessError('standard output', error, 'write').message}\n`);
  process.exit(1);
}

process.stdout.on('error', endWithoutOutput);
// A full disk under the progress display is no reason to end the work.
process.stderr.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(brokenPipe);
});

// The process ends by itself, when all that was printed is written.
process.exitCode = await run(process.argv.slice(2));
