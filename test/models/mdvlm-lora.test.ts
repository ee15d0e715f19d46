import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import { FileFormatError, OptionError } from '../../src/errors.js';
import type { LanguageModel } from '../../src/models/mdvlm/language/language-model.js';
import type { LanguageModelOptions } from '../../src/models/mdvlm/language/language-options.js';
import { loadLanguageModel } from '../../src/models/mdvlm/language/model-folder.js';
import { Linear } from '../../src/nn/linear.js';
import { LoraAdapter, LoraLinear, type LoraOptions } from '../../src/nn/lora.js';
import { saveLora } from '../../src/nn/lora-folder.js';
import type { Shape } from '../../src/tensor/shape.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { LanguageGolden, maskedLoss, seenRows } from '../support/language-golden.js';
import { testRuntime } from '../support/runtime.js';

// Low-rank additions to the language model, also against PyTorch: a stored checkpoint less an adapter, with that adapter,
// is the checkpoint that mdvlm-twin.py computed with.
const runtime = await testRuntime();
const folder = await mkdtemp(join(tmpdir(), 'tal-lora-'));
after(() => rm(folder, { recursive: true, force: true }));

const lora: LoraOptions = {
  rank: 3,
  alpha: 6,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

interface Matrix {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** α / r · a b, or of the transposed factors. */
function product(a: Matrix, b: Matrix, transposed: 'a' | 'b' | undefined): Float32Array {
  const at = ({ shape, data }: Matrix, flip: boolean, i: number, j: number) =>
    flip ? data[j * shape[1]! + i]! : data[i * shape[1]! + j]!;
  const [flipA, flipB] = [transposed === 'a', transposed === 'b'];
  const [rows, depth] = flipA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const columns = flipB ? b.shape[0]! : b.shape[1]!;
  return Float32Array.from({ length: rows * columns }, (_, place) => {
    const [i, j] = [Math.floor(place / columns), place % columns];
    let total = 0;
    for (let k = 0; k < depth; k++) total += at(a, flipA, i, k) * at(b, flipB, k, j);
    return (total * lora.alpha) / lora.rank;
  });
}

/** Gives all factors random numbers, and the names of the layers with them. */
async function drawFactors(adapter: LoraAdapter): Promise<Map<string, { a: Matrix; b: Matrix }>> {
  let stream = 0;
  for (const [, parameter] of adapter.parameters()) {
    const random = new HostRandom(5, stream++);
    const count = parameter.shape[0]! * parameter.shape[1]!;
    parameter.set(Float32Array.from({ length: count }, () => 0.2 * random.normal()));
  }
  const state = await adapter.state();
  const layers = Object.keys(state).flatMap((name) =>
    name.endsWith('.lora_A.weight') ? [name.slice(0, -'.lora_A.weight'.length)] : [],
  );
  return new Map(
    layers.map((layer) => [
      layer,
      { a: state[`${layer}.lora_A.weight`]!, b: state[`${layer}.lora_B.weight`]! },
    ]),
  );
}

/** The model of a golden checkpoint made of a base and an adapter. */
async function adapted(golden: LanguageGolden, options: LanguageModelOptions = {}) {
  const model = await golden.model(runtime, { ...options, lora });
  const factors = await drawFactors(model.lora!);
  const parameters = new Map(model.parameters());
  for (const [layer, { a, b }] of factors) {
    const parameter = parameters.get(`${layer}.weight`)!;
    const whole = (await parameter.tensor.read()) as Float32Array;
    const addition = product(b, a, undefined);
    parameter.set(whole.map((element, i) => element - addition[i]!));
  }
  return { model, factors };
}

async function operands(golden: LanguageGolden): Promise<[Tensor, Tensor, Tensor, Tensor]> {
  const names = ['ids', 'seen', 'masked', 'targets'];
  return Promise.all(names.map((name) => golden.operand(runtime, name))) as never;
}

async function gradientsOf(model: LanguageModel, golden: LanguageGolden) {
  const [ids, seen, masked, targets] = await operands(golden);
  const { gradients } = valueAndGrad(model.lora!.weights(), () =>
    maskedLoss(model, ids, seen, masked, targets),
  );
  const read = Object.entries(gradients).map(
    async ([name, gradient]) => [name, (await gradient.read()) as Float32Array] as const,
  );
  return Object.fromEntries(await Promise.all(read));
}

async function logitsOf(model: LanguageModel, golden: LanguageGolden): Promise<Float32Array> {
  const [ids, seen] = await operands(golden);
  return seenRows(model.logits(model.forward(model.embed(ids), { keyMask: seen })), seen);
}

const f16 = { skip: runtime.traits.f16 ? false : 'this adapter has no f16' };

describe('low-rank additions to the language model', () => {
  it('change nothing at first', async () => {
    const golden = await LanguageGolden.open('llama');
    const model = await golden.model(runtime, { lora });
    model.lora!.initialize(1);
    assert.ok(relativeError(await logitsOf(model, golden), await golden.numbers('expected/logits')) < 1e-5);
    model.dispose();
  });

  it('learn over quantised matrices nearly what they learn over numbers', async (test) => {
    const golden = await LanguageGolden.open('llama');
    const gradients = [];
    for (const weights of ['f32', 'int8'] as const) {
      const model = await golden.model(runtime, { lora, weights });
      await drawFactors(model.lora!);
      gradients.push(await gradientsOf(model, golden));
      model.dispose();
    }
    const [numbers, few] = gradients;
    for (const [name, gradient] of Object.entries(few!)) {
      const error = relativeError(gradient, numbers![name]!);
      // Half a percent at each matrix, of 8 bits and of f16, reaches all others; a wrong gradient is off by 1.
      assert.ok(error < 0.2, `${name} is off by ${error}`);
      test.diagnostic(`${name}: ${error.toExponential(1)}`);
    }
  });

  for (const name of ['llama', 'llada', 'tied'] as const) {
    it(`make of another base what PyTorch’s ${name} is, logits and gradients`, async (test) => {
      const golden = await LanguageGolden.open(name);
      const { model, factors } = await adapted(golden);
      let worst = relativeError(await logitsOf(model, golden), await golden.numbers('expected/logits'));
      assert.ok(worst < 2e-5, `logits off by ${worst}`);
      assert.equal(factors.size, 7 * model.config.layers);
      const gradients = await gradientsOf(model, golden);
      assert.equal(Object.keys(gradients).length, 2 * factors.size);
      for (const [layer, { a, b }] of factors) {
        const data = await golden.numbers(`gradient/${layer}.weight`);
        const whole = { shape: [b.shape[0]!, a.shape[1]!], data };
        for (const [factor, wanted] of [
          ['lora_A', product(b, whole, 'a')],
          ['lora_B', product(whole, a, 'b')],
        ] as const) {
          const error = relativeError(gradients[`${layer}.${factor}.weight`]!, wanted);
          assert.ok(error < 1e-4, `${layer}.${factor} is off by ${error}`);
          worst = Math.max(worst, error);
        }
      }
      model.dispose();
      test.diagnostic(`largest error ${worst.toExponential(1)}`);
    });
  }

  it('have the same gradients, bit for bit, where layers are computed again', async () => {
    const golden = await LanguageGolden.open('llama');
    const { model } = await adapted(golden);
    const { model: again } = await adapted(golden, { recompute: true });
    assert.deepEqual(await gradientsOf(again, golden), await gradientsOf(model, golden));
    // Without gradients, and once the factors are gone.
    again.lora!.merge();
    const error = relativeError(await logitsOf(again, golden), await golden.numbers('expected/logits'));
    assert.ok(error < 2e-5, `off by ${error}`);
    for (const each of [model, again]) each.dispose();
  });

  it('leave layers alone that are no target, and give the base the gradients that it has without them', async () => {
    const golden = await LanguageGolden.open('llama');
    const model = await golden.model(runtime, {
      lora: { ...lora, targets: ['1.self_attn.q_proj', 'up_proj'] },
    });
    model.lora!.initialize(1);
    assert.deepEqual(
      Object.keys(model.lora!.weights()).filter((name) => name.includes('lora_A')),
      ['0.mlp.up_proj', '1.self_attn.q_proj', '1.mlp.up_proj'].map((n) => `model.layers.${n}.lora_A.weight`),
    );
    const [ids, seen, masked, targets] = await operands(golden);
    const { gradients } = valueAndGrad(model.weights(), () => maskedLoss(model, ids, seen, masked, targets));
    for (const [name, gradient] of Object.entries(gradients)) {
      const wanted = await golden.numbers(`gradient/${name}`);
      assert.ok(relativeError((await gradient.read()) as Float32Array, wanted) < 1e-4, name);
    }
    model.dispose();
  });

  it('merge into the weights, to rounding', async () => {
    const golden = await LanguageGolden.open('llada');
    const { model } = await adapted(golden);
    const { usedBytes } = runtime.memory;
    const before = await logitsOf(model, golden);
    model.lora!.merge();
    assert.ok(runtime.memory.usedBytes < usedBytes, 'the factors are gone');
    const merged = await logitsOf(model, golden);
    assert.ok(relativeError(merged, before) < 1e-5);
    model.lora!.merge();
    assert.deepEqual(await logitsOf(model, golden), merged, 'once only');
    model.dispose();
  });

  it('are nearly the same above f16 weights, with their gradients and merged', f16, async () => {
    const golden = await LanguageGolden.open('llama');
    const { model } = await adapted(golden, { weights: 'f16' });
    const { model: exact } = await adapted(golden);
    const wanted = await golden.numbers('expected/logits');
    const error = relativeError(await logitsOf(model, golden), wanted);
    assert.ok(error > 0 && error < 1e-2, `logits off by ${error}`);
    const [found, sought] = [await gradientsOf(model, golden), await gradientsOf(exact, golden)];
    for (const [name, gradient] of Object.entries(found)) {
      const error = relativeError(gradient, sought[name]!);
      assert.ok(error < 3e-2, `${name} is off by ${error}`);
    }
    model.lora!.merge();
    const merged = relativeError(await logitsOf(model, golden), wanted);
    assert.ok(merged < 1e-2, `merged logits off by ${merged}`);
    for (const each of [model, exact]) each.dispose();
  });

  it('refuse ranks, factors and layers that cannot be', async () => {
    const golden = await LanguageGolden.open('llama');
    const refused = (change: Partial<LoraOptions>, message: RegExp) =>
      assert.rejects(golden.model(runtime, { lora: { ...lora, ...change } }), (error) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    await refused({ rank: 0 }, /rank/);
    await refused({ rank: 1.5 }, /rank/);
    await refused({ alpha: 0 }, /alpha/);
    await refused({ targets: [] }, /targets must name the layers/);
    await refused({ targets: ['q_proj', 'proj'] }, /no linear layer proj; its layers are q_proj, k_proj/);
  });
});

describe('a low-rank addition', () => {
  it('needs of its layer that it computes, and stays beside one that has no matrix of numbers', async () => {
    const linear = new Linear(runtime, 5, 4).initialize(2);
    const adapter = new LoraAdapter(runtime, { rank: 2, alpha: 1, targets: ['plain', 'other'] });
    const plain = adapter.around('a.plain', linear, 5, 4);
    const other = adapter.around('a.other', { forward: (x, options) => linear.forward(x, options) }, 5, 4);
    adapter.checkTargets();
    assert.ok(plain instanceof LoraLinear && other instanceof LoraLinear);
    for (const [, parameter] of adapter.parameters())
      parameter.set(new Float32Array(parameter.shape[0]! * parameter.shape[1]!).fill(0.5));
    const x = runtime.tensor([1, 2, 3, 4, 5, -1, 0, 0, 0, 2], [2, 5]);
    const read = async (layer: Pick<Linear, 'forward'>) =>
      (await layer.forward(x, { activation: 'silu' }).read()) as Float32Array;
    const sums = [15, 1];
    const silu = (z: number) => z / (1 + Math.exp(-z));
    const base = (await linear.forward(x).read()) as Float32Array;
    // α / r B A x: half of twice a quarter of the sum of x.
    const wanted = base.map((y, i) => silu(y + 0.25 * sums[Math.floor(i / 4)]!));
    assert.ok(relativeError(await read(plain), wanted) < 1e-6);
    assert.ok(relativeError(await read(other), wanted) < 1e-6);
    adapter.merge();
    assert.ok(relativeError(await read(plain), wanted) < 1e-6);
    assert.deepEqual([...adapter.parameters()].length, 4);
    // Through the layer of `plain`, which has the addition now, and once more by itself.
    const twice = base.map((y, i) => silu(y + 0.5 * sums[Math.floor(i / 4)]!));
    assert.ok(relativeError(await read(other), twice) < 1e-6);
    for (const module of [linear, adapter]) module.dispose();
  });
});

/** A folder with the base of a golden checkpoint. */
async function writeBase(name: 'llama' | 'llada'): Promise<string> {
  const golden = await LanguageGolden.open(name);
  const base = await mkdtemp(join(folder, `${name}-`));
  await writeFile(join(base, 'config.json'), JSON.stringify(golden.config));
  await writeFile(join(base, 'model.safetensors'), encodeSafetensors(await golden.weights()));
  return base;
}

describe('the folder of an adapter', () => {
  it('holds it under PEFT’s names, and gives it back', async () => {
    const golden = await LanguageGolden.open('llama');
    const base = await writeBase('llama');
    const model = await loadLanguageModel(runtime, base, { lora });
    await drawFactors(model.lora!);
    const path = await mkdtemp(join(folder, 'adapter-'));
    await saveLora(path, model.lora!, 'the golden llama');
    const config = JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8'));
    assert.equal(config.peft_type, 'LORA');
    assert.deepEqual([config.r, config.lora_alpha, config.target_modules], [3, 6, lora.targets]);
    const file = await openSafetensors(join(path, 'adapter_model.safetensors'));
    assert.equal(file.tensors.size, 2 * 7 * model.config.layers);
    const name = 'base_model.model.model.layers.1.mlp.down_proj.lora_B.weight';
    assert.deepEqual(file.tensors.get(name)?.shape, [48, 3]);
    await file.close();
    const other = await loadLanguageModel(runtime, base, { adapter: path });
    assert.deepEqual(await other.lora!.state(), await model.lora!.state());
    assert.deepEqual(await logitsOf(other, golden), await logitsOf(model, golden));
    for (const each of [model, other]) each.dispose();
  });

  it('may use LLaDA’s names, and the factor of rank-stabilized LoRA', async () => {
    const golden = await LanguageGolden.open('llada');
    const base = await writeBase('llada');
    const path = await mkdtemp(join(folder, 'adapter-'));
    const ours = { attn_out: 'self_attn.o_proj', ff_out: 'mlp.down_proj' };
    const model = await loadLanguageModel(runtime, base, {
      lora: { rank: 4, alpha: 6, targets: ['0.self_attn.o_proj', '0.mlp.down_proj'] },
    });
    await drawFactors(model.lora!);
    const state = await model.lora!.state();
    const stored = Object.entries(ours).flatMap(([llada, llama]) =>
      ['lora_A', 'lora_B'].map((end) => {
        const { shape, data } = state[`model.layers.0.${llama}.${end}.weight`]!;
        const name = `base_model.model.model.transformer.blocks.0.${llada}.${end}.weight`;
        return [name, { dtype: 'f32', shape, data }] as const;
      }),
    );
    await writeFile(join(path, 'adapter_model.safetensors'), encodeSafetensors(Object.fromEntries(stored)));
    // 3 / √4 is 6 / 4.
    const config = {
      peft_type: 'LORA',
      r: 4,
      lora_alpha: 3,
      use_rslora: true,
      target_modules: Object.keys(ours),
    };
    await writeFile(join(path, 'adapter_config.json'), JSON.stringify(config));
    const other = await loadLanguageModel(runtime, base, { adapter: path });
    assert.deepEqual(await logitsOf(other, golden), await logitsOf(model, golden));
    for (const each of [model, other]) each.dispose();
  });

  it('is refused where it is damaged, of another kind or of another model', async () => {
    const base = await writeBase('llama');
    const model = await loadLanguageModel(runtime, base, { lora });
    await drawFactors(model.lora!);
    const path = await mkdtemp(join(folder, 'adapter-'));
    await saveLora(path, model.lora!, 'the golden llama');
    model.dispose();
    const config = JSON.parse(await readFile(join(path, 'adapter_config.json'), 'utf8'));
    const weights = await readFile(join(path, 'adapter_model.safetensors'));
    const { usedBytes } = runtime.memory;
    const refused = async (
      message: RegExp,
      { change = {}, bytes = weights as Uint8Array, of = base } = {},
    ) => {
      await writeFile(join(path, 'adapter_config.json'), JSON.stringify({ ...config, ...change }));
      await writeFile(join(path, 'adapter_model.safetensors'), bytes);
      await assert.rejects(loadLanguageModel(runtime, of, { adapter: path }), (error) => {
        assert.ok(error instanceof FileFormatError, String(error));
        assert.match(error.message, message);
        return true;
      });
      assert.equal(runtime.memory.usedBytes, usedBytes);
    };
    await refused(/lora_A\.weight is \[3, 48\], wanted \[5, 48\].*made for the golden llama/, {
      change: { r: 5 },
    });
    await refused(/\[3, 48\], wanted \[3, 32\].*made for the golden llama/, { of: await writeBase('llada') });
    await refused(/peft_type/, { change: { peft_type: 'IA3' } });
    await refused(/use_dora/, { change: { use_dora: true } });
    await refused(/rank_pattern/, { change: { rank_pattern: { q_proj: 8 } } });
    await refused(/modules_to_save/, { change: { modules_to_save: ['lm_head'] } });
    await refused(/bias is "all"/, { change: { bias: 'all' } });
    await refused(/lora_alpha/, { change: { lora_alpha: -1 } });
    await refused(/cut|shorter|ends/, { bytes: weights.subarray(0, -8) });
    const one = (name: string, shape: number[]) => ({
      [`base_model.model.${name}`]: {
        dtype: 'f32',
        shape,
        data: new Float32Array(shape[0]! * shape[1]!),
      } as const,
    });
    const only = (tensors: ReturnType<typeof one>) => ({ bytes: encodeSafetensors(tensors) });
    const far = 'model.layers.7.self_attn.q_proj';
    await refused(
      /no linear layer model\.layers\.7\.self_attn\.q_proj.*made for the golden llama/,
      only({ ...one(`${far}.lora_A.weight`, [3, 48]), ...one(`${far}.lora_B.weight`, [48, 3]) }),
    );
    const half = 'model.layers.1.self_attn.q_proj.lora_A.weight';
    await refused(/1 missing: .*lora_B\.weight/, only(one(half, [3, 48])));
    await refused(/adapts no layer/, only(one('model.vision_tower.x.lora_A.weight', [3, 48])));
    await refused(/1 not of this model: .*lora_magnitude/, {
      bytes: encodeSafetensors({
        ...one('model.layers.1.self_attn.q_proj.lora_A.weight', [3, 48]),
        ...one('model.layers.1.self_attn.q_proj.lora_B.weight', [48, 3]),
        ...one('model.layers.1.self_attn.q_proj.lora_magnitude_vector', [48, 1]),
      }),
    });
  });
});
