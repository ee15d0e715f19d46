import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { HostRandom } from '../../src/data/host-random.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { textMass } from '../../src/models/grounding/cg-detr/adaptive-interaction.js';
import { CgDetr } from '../../src/models/grounding/cg-detr/cg-detr.js';
import {
  type CgDetrConfig,
  cgDetrConfigs,
  checkCgDetrConfig,
} from '../../src/models/grounding/cg-detr/config.js';
import { HeadAttention } from '../../src/models/grounding/cg-detr/head-attention.js';
import type { CgDetrTargets } from '../../src/models/grounding/cg-detr/objective.js';
import type { GroundingOperands } from '../../src/models/grounding/cg-detr/operands.js';
import { add } from '../../src/ops/array/binary.js';
import { concat } from '../../src/ops/array/concat.js';
import { narrow } from '../../src/ops/array/slice.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import { train } from '../../src/training/train.js';
import type { LossParts, TrainingTask } from '../../src/training/training-task.js';
import {
  batch,
  channels,
  clips,
  compare,
  configs,
  golden,
  guided,
  kinds,
  losses,
  numbers,
  ofClips,
  operands,
  read,
  rolled,
  rolledAll,
  runtime,
  sizes,
  targets,
  textChannels,
  total,
  trained,
  twin,
} from '../support/cg-detr-golden.js';

// CG-DETR, its ancestors and MASRA against PyTorch (cg-detr-twin.py), and what must and must not change what they find.
for (const kind of kinds) {
  describe(`${kind} has the numbers of PyTorch`, () => {
    it('what it finds', async () => {
      using model = await twin(kind);
      for (const found of [model.forward(operands), trained(model)]) {
        for (const name of ['logits', 'spans'] as const) {
          compare(await read(found[name]), await numbers(`${kind}/expected/${name}`), name);
        }
        const saliency = ofClips(await read(found.saliency));
        compare(saliency, ofClips(await numbers(`${kind}/expected/saliency`)), 'saliency');
        if (!guided.includes(kind)) continue;
        const weights = ofClips(await read(found.weights!));
        compare(weights, ofClips(await numbers(`${kind}/expected/weights`)), 'weights');
      }
      if (kind === 'joint') return;
      const negatives = ofClips(await read(trained(model).negatives!.saliency));
      compare(negatives, ofClips(await numbers(`${kind}/expected/negatives`)), 'negatives');
    });

    it('each loss, and the gradients of all weights', async () => {
      using model = await twin(kind);
      let parts: LossParts = {};
      const { gradients } = valueAndGrad(model.weights(), () => {
        parts = runtime.detached(() => losses(model, kind));
        return total(parts);
      });
      const begin = `${kind}/loss/`;
      const names = [...golden.tensors.keys()].filter((name) => name.startsWith(begin));
      assert.deepEqual(Object.keys(parts).sort(), names.map((name) => name.slice(begin.length)).sort());
      for (const name of names) {
        compare(await read(parts[name.slice(begin.length)]!), await numbers(name), name);
      }
      const wanted = new Map<string, Float32Array>();
      for (const name of Object.keys(gradients)) {
        wanted.set(name, await numbers(`${kind}/gradient/${name}`));
      }
      const length = Math.hypot(...[...wanted.values()].map((values) => Math.hypot(...values)));
      for (const [name, values] of wanted) {
        const actual = await read(gradients[name]!);
        const off = Math.hypot(...actual.map((x, i) => x - values[i]!));
        // Where the gradient vanishes, as that of the keys' bias does, all of them tell what is small.
        const size = Math.max(Math.hypot(...values), 1e-3 * length);
        assert.ok(off < 1e-4 * size, `the gradient of ${name} is off by ${off / size}`);
      }
    });
  });
}

/** The operands with other numbers where nothing counts, and more room. */
function padded(): GroundingOperands {
  const noise = (shape: number[], value: number) =>
    runtime.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => value * Math.sin(i)),
      shape,
    );
  const none = (size: number) => runtime.tensor(new Uint32Array(batch * size), [batch, size], 'u32');
  return {
    video: concat([operands.video, noise([batch, 2, channels], 3)], 1),
    videoMask: concat([operands.videoMask, none(2)], 1),
    text: concat([operands.text, noise([batch, 3, textChannels], 5)], 1),
    textMask: concat([operands.textMask, none(3)], 1),
  };
}

/** The targets with as much room. */
function paddedTargets(): CgDetrTargets {
  const longer = (x: Tensor, axis = 1, value = 0) => {
    const shape = x.shape.map((size, i) => (i === axis ? 2 : size));
    const size = shape.reduce((a, b) => a * b);
    const dtype = x.dtype as 'u32' | 'f32';
    return concat([x, runtime.tensor(new Array(size).fill(value), shape, dtype)], axis);
  };
  const { events, eventClips, captions, captionMask } = targets.priors!;
  return {
    ...targets,
    // The pair that does not count must stay one.
    higher: runtime.tensor([1, 2, 4, 2, 1, 3, 4, 0, clips + 2], [3, 3], 'u32'),
    moments: longer(targets.moments),
    levels: longer(targets.levels),
    priors: {
      // Room for events that there are not, whatever stands in it.
      events: longer(events, 1, 3),
      eventClips: longer(longer(eventClips, 2), 1),
      captions: longer(captions, 1, 2),
      captionMask: longer(captionMask),
    },
  };
}

describe('padding changes nothing:', () => {
  for (const kind of kinds) {
    it(kind, async () => {
      using model = await twin(kind);
      const [before, after] = [model.forward(operands), model.forward(padded())];
      for (const name of ['logits', 'spans'] as const) {
        assert.ok(relativeError(await read(after[name]), await read(before[name])) < 1e-5, name);
      }
      const kept = narrow(after.saliency, 1, 0, clips);
      const error = relativeError(ofClips(await read(kept)), ofClips(await read(before.saliency)));
      assert.ok(error < 1e-5, `saliency by ${error}`);
      const longer = losses(model, kind, padded(), paddedTargets());
      for (const [name, part] of Object.entries(losses(model, kind))) {
        const error = relativeError(await read(longer[name]!), await read(part));
        assert.ok(error < 1e-4, `${name} by ${error}`);
      }
    });
  }
});

describe('what depends on what:', () => {
  for (const kind of kinds) {
    it(`${kind} finds the same in another order of the batch`, async () => {
      using model = await twin(kind);
      const [before, after] = [model.forward(operands), model.forward(rolledAll(operands))];
      assert.ok(relativeError(await read(after.saliency), await read(rolled(before.saliency))) < 1e-5);
      const last = (x: Tensor) => narrow(x, 0, x.shape[0]! - 1, 1).reshape(x.shape.slice(1));
      const spans = rolled(last(before.spans));
      assert.ok(relativeError(await read(last(after.spans)), await read(spans)) < 1e-5);
      // Who is next to whom stays the same, so the losses do.
      const again = losses(model, kind, rolledAll(operands), rolledAll(targets));
      for (const [name, part] of Object.entries(losses(model, kind))) {
        assert.ok(relativeError(await read(again[name]!), await read(part)) < 1e-4, name);
      }
    });

    it(`${kind} finds something else for another text`, async () => {
      using model = await twin(kind);
      const before = await read(model.forward(operands).spans);
      const other = { ...operands, text: rolled(operands.text), textMask: rolled(operands.textMask) };
      assert.ok(relativeError(await read(model.forward(other).spans), before) > 1e-3);
    });
  }

  it('negatives are videos with the next text', async () => {
    for (const kind of ['adaptive', 'cross', 'masra']) {
      using model = await twin(kind);
      const other = { ...operands, text: rolled(operands.text), textMask: rolled(operands.textMask) };
      const wanted = ofClips(await read(model.forward(other).saliency));
      const found = ofClips(await read(trained(model).negatives!.saliency));
      assert.ok(relativeError(found, wanted) < 1e-5, kind);
      // They do not count where the video is the same.
      const none = runtime.zeros([batch]);
      const { negatives } = losses(model, kind, operands, { ...targets, otherVideo: none });
      assert.equal((await read(negatives!))[0], 0);
    }
  });

  it('dummies take probability that words do not have', async () => {
    using model = await twin('adaptive');
    const { weights } = model.forward(operands);
    const all = ofClips(await read(textMass(weights!, 0)));
    const ofWords = ofClips(await read(textMass(weights!, 3)));
    all.forEach((sum, i) => {
      assert.ok(Math.abs(sum - 1) < 1e-5, 'probabilities are no distribution');
      assert.ok(ofWords[i]! < 0.95, 'dummies take nothing');
    });
  });

  it('a key without a value is one with a value of 0', async () => {
    const random = new HostRandom(5);
    const normal = (...shape: number[]) =>
      runtime.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
        shape,
      );
    using attention = new HeadAttention(runtime, 8, 2, 0.1).initialize(1);
    const [query, key, value] = [normal(2, 3, 12), normal(2, 5, 12), normal(2, 3, 8)];
    const keyMask = runtime.tensor([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [2, 5], 'u32');
    const silent = attention.forward(query, { key, value, keyMask });
    const zeros = concat([runtime.zeros([2, 2, 8]), value], 1);
    const full = attention.forward(query, { key, value: zeros, keyMask });
    assert.ok(relativeError(await read(silent.output), await read(full.output)) < 1e-6);
    assert.deepEqual(await read(silent.weights), await read(full.weights));
    const alone = attention.forward(query, { key: narrow(key, 1, 2, 3), value });
    assert.ok(relativeError(await read(alone.output), await read(silent.output)) > 1e-2);
  });

  it('inference does not need the encoders of moments and sentences', async () => {
    using model = await twin('adaptive');
    const before = await read(model.forward(operands).spans);
    for (const [name, weight] of Object.entries(model.weights())) {
      if (/scls|mcls|sent_rep|moment_rep/.test(name)) weight.assign(add(weight, 1));
    }
    assert.deepEqual(await read(model.forward(operands).spans), before);
  });

  it('training drops, and from the same seed the same', async () => {
    using model = await twin('adaptive');
    model.train().seedRandom(3, 1);
    const first = await read(model.forward(operands).spans);
    const second = await read(model.forward(operands).spans);
    model.seedRandom(3, 1);
    assert.ok(relativeError(second, first) > 1e-3);
    assert.deepEqual(await read(model.forward(operands).spans), first);
    model.train(false);
    compare(await read(model.forward(operands).spans), await numbers('adaptive/expected/spans'), 'spans');
  });
});

/** A task whose batch is always the same. */
class OneBatch implements TrainingTask {
  readonly sampler = shuffledBatches(batch, batch);

  constructor(
    readonly model: CgDetr,
    readonly kind: string,
  ) {}

  prepare(): void {}

  loss(): LossParts {
    return losses(this.model, this.kind);
  }
}

describe('training', () => {
  for (const kind of kinds) {
    it(`${kind} learns a batch, in steps that are captured once`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cg-detr-'));
      const config = { ...configs[kind]!, dropout: 0, inputDropout: 0 };
      using model = new CgDetr(runtime, config, sizes).initialize(2);
      const value = async () => (await read(total(losses(model, kind))))[0]!;
      const before = await value();
      try {
        const task = new OneBatch(model, kind);
        await train(task, {
          ...{ steps: 60, seed: 2, folder, settings: 'test', maxNorm: 1, learningRate: () => 5e-3 },
        });
        const after = await value();
        assert.ok(after < 0.7 * before, `${before} to ${after}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

describe('configurations', () => {
  it('have the sizes that were published', () => {
    for (const config of Object.values(cgDetrConfigs)) checkCgDetrConfig(config);
    using model = new CgDetr(runtime, cgDetrConfigs['cg-detr'], { video: 2818, text: 512 });
    const shapes = Object.fromEntries([...model.parameters()].map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes['input_vid_proj.0.net.1.weight'], [256, 2818]);
    assert.deepEqual(shapes.dummy_rep_token, [45, 256]);
    assert.deepEqual(shapes['transformer.decoder.layers.2.cross_attn.out_proj.weight'], [256, 256]);
    assert.equal(shapes['transformer.decoder.layers.1.ca_qpos_proj.weight'], undefined);
  });

  it('and operands that are wrong are refused', async () => {
    const config = configs.adaptive!;
    const made = (more: object) => () => new CgDetr(runtime, { ...config, ...more } as CgDetrConfig, sizes);
    assert.throws(made({ heads: 3 }), OptionError);
    assert.throws(made({ width: 10 }), OptionError);
    assert.throws(made({ interaction: { ...config.interaction, keptPrompts: 9 } }), OptionError);
    assert.throws(made({ interaction: { kind: 'cross' } }), OptionError);
    assert.throws(made({ heeds: 2 }), /unknown field heeds/);
    using model = await twin('joint');
    assert.throws(() => model.forward({ ...operands, video: operands.text }), ShapeError);
    assert.throws(() => model.forward({ ...operands, textMask: operands.videoMask }), ShapeError);
    assert.throws(() => losses(model, 'adaptive'), OptionError);
  });
});
