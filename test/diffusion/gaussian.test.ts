import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random as HostRandom } from '../../cases/support/random.js';
import { type DdimOptions, GaussianDiffusion } from '../../src/diffusion/gaussian.js';
import { ddimTimes, noiseRoots } from '../../src/diffusion/schedule.js';
import { OptionError, ReleasedError, ShapeError } from '../../src/errors.js';
import { qSample } from '../../src/ops/diffusion/q-sample.js';
import { Random } from '../../src/ops/random/random.js';
import type { HostData } from '../../src/tensor/dtype.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const host = new HostRandom(Math.floor(Math.random() * 2 ** 31));
const shape = [2, 6, 3];
const size = 36;
const numbers = () => Float64Array.from({ length: size }, () => Math.fround(host.normal()));

/**
 * A network that tells the times apart: x̂0 = √ᾱ_t x + √(1 − ᾱ_t) c. `onHost` is the loop written out, in
 * double precision; it needs the noise that was drawn in each step.
 */
function setUp(options: DdimOptions) {
  const diffusion = new GaussianDiffusion(runtime, { schedule: 'cosine' });
  const [c, initial] = [numbers(), numbers()];
  const condition = runtime.tensor(c, shape);
  const roots = runtime.tensor(noiseRoots(diffusion.alphaBars), [1000, 2]);
  const denoise = (x: Tensor, t: Tensor) => qSample({ x0: x, noise: condition, t, roots });
  const onHost = (start: Float64Array, noises: HostData[] = []) => {
    const { steps = 50, eta = 0, clamp = [-Infinity, Infinity] } = options;
    const times = ddimTimes(1000, steps, options.spacing);
    let x = start;
    times.forEach((t, s) => {
      const now = diffusion.alphaBars[t]!;
      const next = s + 1 < steps ? diffusion.alphaBars[times[s + 1]!]! : 1;
      const sigma = eta * Math.sqrt((1 - next) / (1 - now)) * Math.sqrt(1 - now / next);
      x = x.map((value, i) => {
        const predicted = Math.sqrt(now) * value + Math.sqrt(1 - now) * c[i]!;
        const x0 = Math.min(Math.max(predicted, clamp[0]), clamp[1]);
        const epsilon = (value - Math.sqrt(now) * x0) / Math.sqrt(1 - now);
        const direction = Math.sqrt(Math.max(0, 1 - next - sigma ** 2));
        return Math.sqrt(next) * x0 + direction * epsilon + sigma * (noises[s]?.[i] ?? 0);
      });
    });
    return x;
  };
  return { diffusion, condition, c, initial, denoise, onHost };
}

async function drawn(seed: number, steps: number): Promise<HostData[]> {
  using random = new Random(runtime, seed);
  const noises: HostData[] = [];
  for (let s = 0; s < steps; s++) noises.push(await random.normal(shape).read());
  return noises;
}

describe('GaussianDiffusion', () => {
  it('adds noise at each sample’s own time', async () => {
    const { diffusion, c, initial } = setUp({});
    const times = [0, 600];
    const noisy = diffusion.addNoise({
      x0: runtime.tensor(c, shape),
      noise: runtime.tensor(initial, shape),
      t: runtime.tensor(times, [2], 'u32'),
    });
    const expected = c.map((x0, i) => {
      const alphaBar = diffusion.alphaBars[times[Math.floor(i / 18)]!]!;
      return Math.sqrt(alphaBar) * x0 + Math.sqrt(1 - alphaBar) * initial[i]!;
    });
    assert.ok(relativeError(await noisy.read(), expected) < 1e-6);
  });

  const loops: [string, DdimOptions][] = [
    ['50 steps', {}],
    ['one step', { steps: 1 }],
    ['strided, clamped', { steps: 7, spacing: 'strided', clamp: [-0.5, 0.8] }],
    ['noisy', { steps: 10, eta: 1, clamp: [-1, 1] }],
  ];
  for (const [name, options] of loops) {
    it(`samples as the loop written out: ${name}`, async () => {
      const { diffusion, condition, c, initial, denoise, onHost } = setUp(options);
      const seed = 7;
      const noises = options.eta ? await drawn(seed, 2 * options.steps!) : [];
      const start = runtime.tensor(initial, shape);

      const random = new Random(runtime, seed);
      const recorded = diffusion.sample(start, denoise, { ...options, random });
      const expected = onHost(initial, noises);
      assert.ok(relativeError(await recorded.read(), expected) < 1e-5);
      assert.deepEqual(Float64Array.from(await start.read()), initial);

      using again = new Random(runtime, seed);
      using sampler = await diffusion.sampler(shape, denoise, { ...options, random: again });
      assert.deepEqual(await sampler.run(start).read(), await recorded.read());

      // A second run: another start, another condition, and noise further on in the stream.
      const other = numbers();
      c.set(numbers());
      condition.write(c);
      using second = runtime.tensor(other, shape);
      const result = await sampler.run(second).read();
      assert.ok(relativeError(result, onHost(other, noises.slice(options.steps))) < 1e-5);
    });
  }

  it('leaves no memory behind', async () => {
    const { diffusion, initial, denoise } = setUp({});
    using start = runtime.tensor(initial, shape);
    const once = async () => {
      diffusion.sample(start, denoise, { steps: 5 }).dispose();
      const sampler = await diffusion.sampler(shape, denoise, { steps: 5 });
      sampler.run(start);
      await runtime.finish();
      sampler.dispose();
      await runtime.trim();
      return runtime.memory.allocatedBytes;
    };
    const before = await once();
    for (let i = 0; i < 3; i++) await once();
    assert.equal(await once(), before);
  });

  it('refuses what cannot be', async () => {
    const { diffusion, initial, denoise } = setUp({});
    const start = runtime.tensor(initial, shape);
    assert.throws(() => diffusion.sample(start, denoise, { eta: 1 }), OptionError);
    assert.throws(() => diffusion.sample(start, denoise, { steps: 1001 }), OptionError);
    assert.throws(() => diffusion.sample(start, denoise, { clamp: [1, 0] }), OptionError);
    assert.throws(() => diffusion.sample(start, (_, t) => t), /predicted must be f32/);
    assert.throws(() => diffusion.sample(start, (x) => x.reshape([size])), ShapeError);
    await assert.rejects(
      diffusion.sampler(shape, (x) => x.reshape([size])),
      ShapeError,
    );
    const sampler = await diffusion.sampler(shape, denoise);
    assert.throws(() => sampler.run(runtime.tensor(initial)), ShapeError);
    sampler.dispose();
    assert.throws(() => sampler.run(start), ReleasedError);
    assert.throws(() => diffusion.addNoise({ x0: start, noise: start, t: start }), /t must be u32/);
    diffusion.dispose();
    assert.throws(() => diffusion.addNoise({ x0: start, noise: start, t: start }), ReleasedError);
  });
});
