import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import type { NumericArray } from '../../src/data/formats/array.js';
import { openVideo } from '../../src/data/video/video.js';
import { FileFormatError, OptionError, ShapeError } from '../../src/errors.js';
import { videoPixels } from '../../src/models/mdvlm/video/video-pixels.js';
import {
  checkVisualConfig,
  tokensPerFrame,
  type VisualOptions,
  visualConfigs,
} from '../../src/models/mdvlm/vision/vision-config.js';
import { VisionTower } from '../../src/models/mdvlm/vision/vision-tower.js';
import { visionTowerWeights, visualWeights } from '../../src/models/mdvlm/vision/visual-checkpoint.js';
import { VisualEncoder } from '../../src/models/mdvlm/vision/visual-encoder.js';
import { mul } from '../../src/ops/array/binary.js';
import { sum } from '../../src/ops/array/reduce.js';
import { resamplePixels } from '../../src/ops/image/resample-pixels.js';
import { roundingError } from '../support/rounding.js';
import { testRuntime } from '../support/runtime.js';
import { missing, sharedData } from '../support/shared-data.js';
import { noVideoLibrary } from '../support/video-library.js';
import { VisionGolden } from '../support/vision-golden.js';

// The visual side of LLaDA-V against PyTorch: a small one whose answers vision-twin.py stored.
const runtime = await testRuntime();
const golden = await VisionGolden.open();
const { tiny } = visualConfigs;
const towerName = 'model.vision_tower.vision_tower.vision_model.';

const encoder = new VisualEncoder(runtime, tiny);
await encoder.load(await golden.checkpoint());
const pixels = await golden.tensor(runtime, 'input/pixels');

function report(test: TestContext, error: number, tolerance: number, what: string): void {
  assert.ok(error < tolerance, `${what} is off by ${error}`);
  test.diagnostic(`error of ${what}: ${error.toExponential(1)}`);
}

describe('the visual encoder', () => {
  it('is that of PyTorch’s twin', () => {
    assert.deepEqual(checkVisualConfig(JSON.parse(golden.stored.metadata.config!)), tiny);
  });

  it('has the features and the tokens of PyTorch', async (test) => {
    const features = await encoder.tower.forward(pixels).read();
    report(test, relativeError(features, await golden.numbers('expected/features')), 1e-5, 'features');
    const tokens = encoder.forward(pixels);
    assert.deepEqual(tokens.shape, [1, 3 * tokensPerFrame(tiny), tiny.projector.hidden]);
    report(test, relativeError(await tokens.read(), await golden.numbers('expected/tokens')), 1e-5, 'tokens');
  });

  it('has PyTorch’s gradients', async (test) => {
    const direction = await golden.tensor(runtime, 'input/direction');
    const vector = await golden.numbers('input/vector');
    const { gradients } = valueAndGrad(encoder.weights(), () => sum(mul(encoder.forward(pixels), direction)));
    const names = golden.weightNames;
    assert.deepEqual(names.toSorted(), Object.keys(gradients).toSorted());
    const expected = new Map<string, Float32Array>();
    for (const name of names) expected.set(name, await golden.numbers(`gradient/${name}`));
    // That of a key's bias is 0: all scores of a query grow by the same.
    const least = 1e-3 * Math.max(...[...expected.values()].map((numbers) => Math.hypot(...numbers)));
    let worst: readonly [error: number, name: string] = [0, 'nothing'];
    for (const [name, wanted] of expected) {
      const { shape } = gradients[name]!;
      const found = productsOf(await gradients[name]!.read(), shape, vector);
      assert.equal(found.length, wanted.length, name);
      const size = Math.hypot(...wanted);
      const error = size < least ? difference(found, wanted) / least : relativeError(found, wanted);
      if (error > worst[0]) worst = [error, name];
    }
    report(test, worst[0], 1e-4, `the gradient of ${worst[1]}`);
  });

  it('gives the same when few frames are looked at together', async () => {
    const all = await encoder.forward(pixels).read();
    assert.ok(encoder.framesAtOnce >= 3);
    for (const most of [1, 2]) {
      assert.ok(relativeError(await encoder.forward(pixels, most).read(), all) < 1e-6);
    }
    for (const most of [0, 1.5]) assert.throws(() => encoder.forward(pixels, most), OptionError);
  });

  it('refuses pictures of another size', () => {
    assert.throws(() => encoder.forward(runtime.zeros([1, 3, 22, 21])), ShapeError);
    assert.throws(() => encoder.forward(runtime.zeros([1, 22, 22])), ShapeError);
    assert.throws(() => encoder.forward(runtime.zeros([3, 22, 22, 1])), ShapeError);
  });
});

describe('the visual encoder with other weights', async () => {
  const expected = {
    features: await golden.numbers('expected/features'),
    tokens: await golden.numbers('expected/tokens'),
  };
  const state = await encoder.state();
  /** The matrices of linear layers: that of the patches is none. */
  const matrices = Object.keys(state).filter((name) =>
    /(proj|fc[12]|mm_projector\.[02])\.weight$/.test(name),
  );

  /** What encoder with weights stored in this way make of the pixels, and the numbers that their weights stand for. */
  async function seenWith(weights: VisualOptions['weights']) {
    const encoder = new VisualEncoder(runtime, tiny, weights ? { weights } : {});
    await encoder.load(await golden.checkpoint());
    const found = {
      features: (await encoder.tower.forward(pixels).read()) as Float32Array,
      tokens: (await encoder.forward(pixels).read()) as Float32Array,
      state: await encoder.state(),
    };
    encoder.dispose();
    return found;
  }

  /**
   * A product has an f16 matrix, an f16 input and an f16 result, each of which is off by less than 2⁻¹¹ / √3 of itself on
   * average. The errors of all are independent, so that their squares add up.
   */
  const halfError = 2 ** -11 * Math.sqrt(matrices.length);

  it('is PyTorch’s but for the rounding of f16', { skip: !runtime.traits.f16 }, async (test) => {
    const found = await seenWith('f16');
    for (const what of ['features', 'tokens'] as const)
      report(test, relativeError(found[what], expected[what]), halfError, what);
  });

  it('is PyTorch’s but for the rounding to 8 bits, which are kept where there should be 4', async (test) => {
    assert.equal(matrices.length, 6 * tiny.vision.layers + 2);
    const rounding = Math.hypot(...matrices.map((name) => roundingError(state[name]!, 8)));
    const bound = Math.hypot(rounding, runtime.traits.f16 ? halfError : 0);
    const found = await seenWith('int8');
    for (const what of ['features', 'tokens'] as const)
      report(test, relativeError(found[what], expected[what]), bound, what);
    for (const [name, { data }] of Object.entries(found.state)) {
      const error = relativeError(data, state[name]!.data);
      // Vectors may be f16.
      if (!matrices.includes(name)) assert.ok(error < 2 ** -11, name);
      else assert.ok(error > 2 ** -11 && error < 1.1 * roundingError(state[name]!, 8), `${name}: ${error}`);
    }
    assert.deepEqual(await seenWith('int4'), found);
  });
});

/** A gradient as the twin keeps it: a matrix by its products with the first elements of a vector. */
function productsOf(
  gradient: ArrayLike<number>,
  [rows, ...others]: readonly number[],
  vector: Float32Array,
): ArrayLike<number> {
  if (others.length === 0) return gradient;
  const columns = others.reduce((a, b) => a * b);
  const right = new Float64Array(rows!);
  const left = new Float64Array(columns);
  for (let i = 0; i < gradient.length; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    right[row]! += gradient[i]! * vector[column]!;
    left[column]! += gradient[i]! * vector[row]!;
  }
  return [...right, ...left];
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.hypot(...Array.from(a, (value, i) => value - b[i]!));
}

describe('checkpoints of the visual side', () => {
  const one: NumericArray = { dtype: 'f32', shape: [1], data: Float32Array.of(1) };

  it('may be those of a whole LLaDA-V', async () => {
    const whole = await golden.checkpoint('', '', {
      'model.embed_tokens.weight': one,
      'lm_head.weight': one,
      [`${towerName}post_layernorm.weight`]: one,
    });
    await assert.rejects(encoder.load(whole), FileFormatError);
    const loaded = new VisualEncoder(runtime, tiny);
    await loaded.load(visualWeights(whole));
    assert.deepEqual(await loaded.forward(pixels).read(), await encoder.forward(pixels).read());
    loaded.dispose();
  });

  it('may be those of SigLIP 2 alone, for the tower', async () => {
    const siglip = await golden.checkpoint(towerName, 'vision_model.', {
      'vision_model.encoder.layers.2.mlp.fc1.bias': one,
      'vision_model.head.attention.in_proj_weight': one,
      'vision_model.head.mlp.fc2.bias': one,
      'vision_model.post_layernorm.bias': one,
      'text_model.embeddings.token_embedding.weight': one,
      logit_scale: one,
    });
    for (const checkpoint of [siglip, await golden.checkpoint()]) {
      const tower = new VisionTower(runtime, tiny.vision);
      await tower.load(visionTowerWeights(checkpoint));
      assert.deepEqual(await tower.forward(pixels).read(), await encoder.tower.forward(pixels).read());
      tower.dispose();
    }
  });

  it('are refused with more layers, or without a tower', async () => {
    const deeper = await golden.checkpoint(towerName, 'vision_model.', {
      'vision_model.encoder.layers.3.mlp.fc1.bias': one,
    });
    const tower = new VisionTower(runtime, tiny.vision);
    await assert.rejects(tower.load(visionTowerWeights(deeper)), /encoder\.layers\.3\.mlp\.fc1\.bias/);
    const projector = await golden.checkpoint('model.mm_projector.');
    assert.throws(() => visionTowerWeights(projector), FileFormatError);
    await assert.rejects(visionTowerWeights(deeper).read('logit_scale'), FileFormatError);
  });

  it('of the released size have the released names and shapes', () => {
    const released = new VisualEncoder(runtime, visualConfigs['siglip2-so400m-patch14-384']);
    const shapes = new Map([...released.parameters()].map(([name, { shape }]) => [name, shape]));
    const layer = `${towerName}encoder.layers.25.`;
    for (const [name, shape] of Object.entries({
      [`${towerName}embeddings.patch_embedding.weight`]: [1152, 3, 14, 14],
      [`${towerName}embeddings.patch_embedding.bias`]: [1152],
      [`${towerName}embeddings.position_embedding.weight`]: [729, 1152],
      [`${layer}layer_norm2.bias`]: [1152],
      [`${layer}self_attn.out_proj.weight`]: [1152, 1152],
      [`${layer}mlp.fc1.weight`]: [4304, 1152],
      [`${layer}mlp.fc2.bias`]: [1152],
      'model.mm_projector.0.weight': [4096, 1152],
      'model.mm_projector.2.bias': [4096],
      'model.image_newline': [4096],
    })) {
      assert.deepEqual(shapes.get(name), shape, name);
    }
    assert.equal(shapes.size, 3 + 26 * 16 + 4 + 1);
  });
});

describe('the pixels of pictures', () => {
  for (const name of ['smaller', 'larger']) {
    it(`are Pillow’s where it makes them ${name}, but for its rounding`, async () => {
      const { shape, data } = await golden.stored.read(`picture/${name}`);
      const [height, width] = shape as [number, number];
      const words = new Uint32Array((data as Uint8Array).slice().buffer);
      const resized = await golden.stored.read(`resized/${name}`);
      const [, outHeight, outWidth] = resized.shape as [number, number, number];
      const pixels = runtime.tensor(words, [1, height, width], 'u32');
      const found = await resamplePixels(pixels, { height: outHeight, width: outWidth }).read();
      const errors = Array.from(resized.data as Uint8Array, (byte, i) => Math.abs(255 * found[i]! - byte));
      // Half a step in each of two passes, the first weighted by the second, whose weights add up to 1.25 at most.
      assert.ok(Math.max(...errors) < 1.13, `${Math.max(...errors)}`);
      assert.ok(errors.reduce((a, b) => a + b) / errors.length < 0.4);
    });
  }
});

describe('the frames of a video', { skip: noVideoLibrary }, () => {
  const path = 'bmt_long_jump/women_long_jump.mp4';

  it(`${path}: become pixels and tokens`, { skip: missing(path) }, async () => {
    const { imageSize } = tiny.vision;
    const video = await openVideo(sharedData(path));
    const frames = 5;
    const { pixels, seconds } = await videoPixels(runtime, video, { frames, size: imageSize });
    assert.deepEqual(pixels.shape, [frames, 3, imageSize, imageSize]);
    assert.equal(seconds[0], 0);
    // The sound goes on after the last picture, so the duration is not its time.
    const last = (await video.frameTimes()).at(-1)!;
    assert.ok(seconds.every((time, i) => Math.abs(time - (i * last) / (frames - 1)) < 0.1));
    const found = await pixels.read();
    assert.ok(found.every((value) => value >= -1 && value <= 1));
    // The same from frames that were decoded at that size: areas instead of cubic weights, but the same picture.
    const shape = { width: imageSize, height: imageSize, channels: 3 } as const;
    const area = imageSize ** 2;
    for await (const { pixels: bytes } of video.frames(shape)) {
      const same = Array.from({ length: 3 * area }, (_, i) => {
        return (2 * bytes[3 * (i % area) + Math.floor(i / area)]!) / 255 - 1;
      });
      assert.ok(relativeError(found.subarray(0, 3 * area), same) < 0.2);
      break;
    }
    await video.close();
    const tokens = encoder.forward(pixels);
    assert.deepEqual(tokens.shape, [1, frames * tokensPerFrame(tiny), tiny.projector.hidden]);
    assert.ok((await tokens.read()).every(Number.isFinite));
  });
});
