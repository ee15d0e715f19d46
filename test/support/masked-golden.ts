import { Random } from '../../cases/support/random.js';
import { MaskedSampler } from '../../src/diffusion/masked.js';
import type { MaskedSamplerOptions } from '../../src/diffusion/masked-options.js';
import { revisionFractions } from '../../src/diffusion/unmasking.js';
import { tokenSet } from '../../src/ops/sampling/decoding.js';
import type { Runtime } from '../../src/tensor/runtime.js';

const [batch, prompt, answerLength, vocabulary, maskId] = [2, 3, 24, 132, 7];
const steps = 12;

/** Decodings of fixed logits by name: each way to choose, to order and to revise tokens is in one of them. */
function goldenOptions(runtime: Runtime): Record<string, Partial<MaskedSamplerOptions>> {
  const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const set = (from: number, to: number) =>
    runtime.tensor(tokenSet(vocabulary, ids(from, to)), undefined, 'u32');
  const times = { firstId: 90, count: 40 };
  const positions = [4, 5, 10, 9, 0, 23, 24, 24, 4, 12, 1, 2, 3, 0, 20, 21];
  return {
    probability: {},
    blocks: { blockLength: 8, temperature: 1 },
    margin: { confidence: 'margin', temperature: 0.7 },
    entropy: { confidence: 'entropy', schedule: 'cosine' },
    random: { confidence: 'random', temperature: 1, blockLength: 12, schedule: { shift: 3 } },
    allowed: { allowed: set(20, 60), temperature: 1 },
    maskAllowed: { maskAllowed: true, blockLength: 12, temperature: 1 },
    threshold: { threshold: 0.15, blockLength: 8 },
    guidance: { guidanceScale: 1.5, temperature: 0.5 },
    late: { late: { ids: set(66, 132), from: 7 }, temperature: 1 },
    revision: { revision: { fractions: revisionFractions(steps, 0.4) }, temperature: 1 },
    stop: { stopId: 86, temperature: 1 },
    spans: {
      spans: { positions: runtime.tensor(positions, [batch, 4, 2], 'u32'), ...times },
      temperature: 1,
    },
  };
}

/** The answers of the decodings, `id@step` of each position: the token and the step that put it there. */
export async function maskedGolden(runtime: Runtime): Promise<Record<string, string>> {
  const random = new Random(11);
  const shape = [batch, answerLength, vocabulary];
  const draw = () =>
    Float32Array.from({ length: batch * answerLength * vocabulary }, () => 2 * random.normal());
  const [conditional, unconditional] = [runtime.tensor(draw(), shape), runtime.tensor(draw(), shape)];
  const length = prompt + answerLength;
  const sequences = Uint32Array.from({ length: batch * length }, (_, i) =>
    i % length < prompt ? 1 + i : maskId,
  );
  const found: Record<string, string> = {};
  for (const [name, options] of Object.entries(goldenOptions(runtime))) {
    using sampler = await MaskedSampler.create(
      runtime,
      (_, pass) => (pass === 'conditional' ? conditional : unconditional),
      { batch, length, answerLength, maskId, steps, ...options },
    );
    const states: Uint32Array[] = [sequences];
    await sampler.decode(sequences, { seed: 2026, onStep: (tokens) => states.push(tokens) });
    const told = Array.from(states.at(-1)!, (id, i) => {
      const step = states.findLastIndex((tokens, k) => k > 0 && tokens[i] !== states[k - 1]![i]);
      return `${id}@${step}`;
    });
    found[name] = told.filter((_, i) => i % length >= prompt).join(' ');
  }
  return found;
}
