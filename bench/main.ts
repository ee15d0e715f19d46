import { Command } from 'commander';
import { alternatives } from './alternatives.js';
import type { BenchmarkCase } from './benchmark.js';
import { addBenchOptions, type BenchOptions, bench } from './command.js';
import { closeGpuJs, lendNavigator } from './gpu-js.js';
import type { Contender } from './measure.js';

const command = addBenchOptions(new Command('npm run bench --'))
  .description('What "tal bench" does, beside the C++ reference and gpu.js')
  .option('--no-alternatives', 'only this package')
  .parse();
const options = command.opts<BenchOptions & { alternatives: boolean }>();
if (options.alternatives && !options.tune) {
  await lendNavigator();
  await bench(options, others);
  await closeGpuJs();
} else {
  await bench(options);
}

async function others({
  runtime,
  table,
  size,
  inputs,
  tensors,
  options,
}: BenchmarkCase): Promise<Contender[]> {
  const reference: Contender = {
    name: 'C++ reference',
    async run(repeats) {
      for (let i = 0; i < repeats; i++) (table.selfTestAnswers ?? table.reference)(inputs, options, size);
    },
  };
  return [reference, ...(await alternatives(table.operation.name, runtime, inputs, tensors, options))];
}
