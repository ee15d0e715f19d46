// Tensors: make, compute, read, free.
//   node examples/tensors.mjs
import { Runtime } from 'tal-webgpu';
import { argmax, matmul, softmax } from 'tal-webgpu/ops';

const runtime = await Runtime.create();
console.log(`on ${runtime.traits.vendor} ${runtime.traits.description}`);

// Three snippets of a video with two features each, and a classifier of two features into four classes.
const features = runtime.tensor([1, 0, 0, 1, 3, 2], [3, 2]);
const weights = runtime.tensor([3, 0, 0, 1, 0, 3, 0, 1], [2, 4]);

// Operations are recorded, not run. What a scope makes and does not return is freed at its end.
const [probabilities, classes] = runtime.scope(() => {
  const scores = matmul({ a: features, b: weights });
  const probabilities = softmax(scores);
  return [probabilities, argmax(probabilities)];
});

// Reading runs what was recorded, all of it in one submission.
console.log(`${probabilities} of the classes, a row a snippet:`);
const rows = await probabilities.read();
for (let row = 0; row < 3; row++) {
  console.log(Array.from(rows.subarray(4 * row, 4 * row + 4), (p) => p.toFixed(3)).join(' '));
}
console.log(`best classes: ${(await classes.read()).join(' ')}`);

// Outside a scope a tensor lives until it is disposed, or the runtime destroyed.
for (const tensor of [features, weights, probabilities, classes]) tensor.dispose();
runtime.destroy();
