import type { Command } from 'commander';
import { addBenchOptions, bench } from '../../../bench/command.js';

/** `tal bench`: the speed of every operation on this machine, and the choice of its fastest variants. */
export function addBench(program: Command): void {
  addBenchOptions(program.command('bench'))
    .description(
      'Time every operation at real sizes, each variant in turn; or choose the fastest of them (--tune)',
    )
    .action((options) => bench(options));
}
