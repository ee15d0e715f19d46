/**
 * Proves that the last layer of a language model needs no room for its logits: makes a vocabulary matrix on the
 * device, chooses tokens and takes the cross-entropy by it, and prints the most memory in use beside the operands.
 *
 *   node dist/bench/fused-memory.js [--rows 256] [--vocabulary 126464] [--width 4096] [--storage f32]
 */
import { Command, Option } from 'commander';
import randomNormalKernel from '../kernels/random/normal.wgsl.js';
import { whole } from '../src/cli/options/arguments.js';
import { spread } from '../src/ops/grid.js';
import { Random } from '../src/ops/random/random.js';
import { decodingState } from '../src/ops/sampling/decoding.js';
import { linearCrossEntropy } from '../src/ops/vocabulary/linear-cross-entropy.js';
import { linearTokenCandidates } from '../src/ops/vocabulary/linear-token-candidates.js';
import { dtypeBytes } from '../src/tensor/dtype.js';
import { Runtime } from '../src/tensor/runtime.js';
import type { Tensor } from '../src/tensor/tensor.js';
import { rowWindows } from '../src/tensor/windows.js';

const { rows, vocabulary, width, storage } = new Command('node dist/bench/fused-memory.js')
  .option('--rows <n>', 'rows of hidden states', whole(1), 256)
  .option('--vocabulary <n>', 'ids', whole(1), 126_464)
  .option('--width <n>', 'elements of a hidden state', whole(1), 4096)
  .addOption(new Option('--storage <dtype>', 'of the operands').choices(['f32', 'f16']).default('f32'))
  .parse()
  .opts<{ rows: number; vocabulary: number; width: number; storage: 'f32' | 'f16' }>();
const maskId = vocabulary - 1;

const runtime = await Runtime.create();
try {
  const random = new Random(runtime, 1);
  const weight = runtime.empty([vocabulary, width], storage);
  for (const { view } of rowWindows(weight)) drawInto(view, random);
  const hidden = random.normal([rows, width], storage);
  const tokens = runtime.tensor(new Uint32Array(rows).fill(maskId), [1, rows], 'u32');
  const targets = runtime.tensor(
    Uint32Array.from({ length: rows }, (_, row) => (row * 977) % vocabulary),
    [rows],
    'u32',
  );
  const state = decodingState(runtime);
  const sequence = hidden.reshape([1, rows, width]);
  await runtime.finish();
  console.log(
    `${runtime.traits.description}: ${rows} rows, ${vocabulary} ids, width ${width}, ${storage}\n` +
      `vocabulary matrix: ${megabytes(weight.bytes)}, in ${rowWindows(weight).length} windows\n` +
      `its logits, not made: ${megabytes(rows * vocabulary * dtypeBytes[storage])}`,
  );
  await report('linearTokenCandidates', () =>
    linearTokenCandidates({ hidden: sequence, weight, tokens, state }, { maskId, temperature: 1 }),
  );
  await report('linearCrossEntropy', () => linearCrossEntropy({ hidden, weight, targets }));
} finally {
  runtime.destroy();
}

/** Normal numbers, without a copy. */
function drawInto(target: Tensor, random: Random): void {
  runtime.launch({
    kernel: randomNormalKernel,
    constants: { Element: target.dtype },
    buffers: { state: random.state, out: target },
    params: { count: target.size },
    workgroups: spread(Math.ceil(target.size / 4)),
  });
  random.advance(target.size);
}

/** Runs it twice: the first time for the pipelines, and for the memory, which the pool keeps until it is trimmed. */
async function report(name: string, run: () => Record<string, Tensor>): Promise<void> {
  await runtime.trim();
  const before = runtime.memory.allocatedBytes;
  const timed = async () => {
    const start = performance.now();
    for (const tensor of Object.values(run())) tensor.dispose();
    await runtime.finish();
    return performance.now() - start;
  };
  const first = await timed();
  const most = runtime.memory.allocatedBytes - before;
  const milliseconds = await timed();
  const gflops = (2 * rows * vocabulary * width) / milliseconds / 1e6;
  console.log(
    `${name}: ${megabytes(most)} beside the operands; ${milliseconds.toFixed(0)} ms ` +
      `(the first time ${first.toFixed(0)} ms), ${gflops.toFixed(1)} GFLOP/s`,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
