// Masked diffusion decoding: an answer of masks is filled in, the surest positions first.
//   node examples/masked-decoding.mjs
import { Runtime } from 'tal-webgpu';
import { MaskedSampler, maskedSequences } from 'tal-webgpu/diffusion';

const runtime = await Runtime.create();

const vocabulary = ['[pad]', '____', 'when', 'is', 'the', 'dive', '?', 'from', '3', 's', 'to', '7'];
const id = (word) => vocabulary.indexOf(word);
const prompt = 'when is the dive ?'.split(' ').map(id);
const answer = 'from 3 s to 7 s'.split(' ');

// A stand-in for a network, with logits (B, R, V) for the R positions of the answer: it is surer of the words
// than of the times. A real one computes them from the tokens, in operations that are recorded here.
const surer = { from: 8, to: 7, s: 6, 7: 4, 3: 3 };
const values = answer.flatMap((word) => vocabulary.map((other) => (other === word ? surer[word] : 0)));
const logits = runtime.tensor(values, [1, answer.length, vocabulary.length]);

const ids = { maskId: id('____'), padId: id('[pad]') };
const { tokens, length } = maskedSequences([prompt], answer.length, ids);
const sampler = await MaskedSampler.create(runtime, () => logits, {
  batch: 1,
  length,
  answerLength: answer.length,
  maskId: ids.maskId,
  steps: 3,
});

// Without onStep all steps are enqueued at once, and the tokens are read back at the end.
const text = (sequence) => Array.from(sequence, (token) => vocabulary[token]).join(' ');
console.log(`at first: ${text(tokens)}`);
const decoded = await sampler.decode(tokens, {
  onStep: (sequence, { masked }) => console.log(`${masked} masked: ${text(sequence)}`),
});
console.log(`answer: ${text(decoded.subarray(prompt.length))}`);

sampler.dispose();
runtime.destroy();
