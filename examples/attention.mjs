// Fused attention with masks: the (queries x keys) scores are never in memory.
//   node examples/attention.mjs
import { attention, Runtime } from 'tal-webgpu';

const runtime = await Runtime.create();
const length = 6;

// One video, one head, six snippets with six features (B, H, L, D). With the identity as values, the output is
// the attention itself: row i holds how much snippet i attends to each of the others.
const features = Float32Array.from({ length: length * length }, (_, i) => Math.sin(i));
const query = runtime.tensor(features, [1, 1, length, length]);
const identity = Float32Array.from({ length: length * length }, (_, i) => Number(i % (length + 1) === 0));
const value = runtime.tensor(identity, [1, 1, length, length]);

// The last snippet is padding, which none may attend to.
const keyMask = runtime.tensor([1, 1, 1, 1, 1, 0], [1, length], 'u32');

await show('bidirectional, without the padding', { kind: 'none' });
await show('causal', { kind: 'causal' });
await show('causal in blocks of two, as a diffusion language model decodes', { kind: 'block', blockSize: 2 });
runtime.destroy();

async function show(title, mask) {
  const { output } = attention({ query, key: query, value, keyMask }, { mask });
  const weights = await output.read();
  output.dispose();
  console.log(`${title}:`);
  for (let row = 0; row < length; row++) {
    const cells = Array.from(weights.subarray(row * length, (row + 1) * length));
    const sum = cells.reduce((total, weight) => total + weight);
    const shown = cells.map((weight) => (weight === 0 ? '  .  ' : weight.toFixed(3)));
    console.log(`  ${shown.join(' ')}  sum ${sum.toFixed(3)}`);
  }
}
