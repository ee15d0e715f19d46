import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { Runtime } from '../src/tensor/runtime.js';
import { alternatives } from './alternatives.js';
import type { BenchmarkCase } from './benchmark.js';
import { addBenchOptions, type BenchOptions, bench } from './command.js';
import type { Contender } from './measure.js';
import { gpuJs } from './peers/gpu-js.js';
import { peerOperations } from './peers/jobs.js';
import { benchmarkPeers } from './peers/main.js';
import { peersMarkdown } from './peers/markdown.js';
import { lendNavigator } from './peers/navigator.js';
import type { Peer } from './peers/peer.js';

interface Options extends BenchOptions {
  readonly alternatives: boolean;
  readonly peers?: boolean;
  readonly markdown?: string;
}

const options = addBenchOptions(new Command('npm run bench --'), peerOperations)
  .description(
    'What "tal bench" does, beside the C++ reference and gpu.js; or this package against its peers',
  )
  .option('--no-alternatives', 'only this package')
  .option('--peers', 'against the libraries of bench/peers instead')
  .option('--markdown <file>', 'print the table of a result of --peers, and do nothing else')
  .parse()
  .opts<Options>();

if (options.markdown) {
  console.log(peersMarkdown(JSON.parse(await readFile(options.markdown, 'utf8'))));
} else if (options.peers) {
  const runtime = await Runtime.create();
  await benchmarkPeers(runtime, options);
  runtime.destroy();
  process.exit(); // the library of a peer may hold something that keeps Node running
} else if (options.alternatives && !options.tune) {
  await lendNavigator();
  const peer = await gpuJs();
  try {
    await bench(options, (subject) => others(peer, subject));
  } finally {
    await peer.close();
  }
} else {
  await bench(options);
}

async function others(peer: Peer, subject: BenchmarkCase): Promise<Contender[]> {
  const { table, size, inputs, options } = subject;
  const reference: Contender = {
    name: 'C++ reference',
    async run(repeats) {
      for (let i = 0; i < repeats; i++) (table.selfTestAnswers ?? table.reference)(inputs, options, size);
    },
  };
  return [reference, ...(await alternatives(subject, peer))];
}
