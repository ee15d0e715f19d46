import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ms2dTan } from '../../src/cli/architectures/ms-2d-tan.js';
import { OptionError } from '../../src/errors.js';
import { videoShape } from '../../src/models/map-diffusion/clip-encoder.js';
import {
  checkConfig,
  type MapDiffusionConfig,
  type MapDiffusionName,
  mapDiffusionConfigs,
} from '../../src/models/map-diffusion/config.js';
import { MapDiffusion } from '../../src/models/map-diffusion/model.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();

/** Names and shapes of the weights of a model that has none yet. */
function shapesOf(config: MapDiffusionConfig): Record<string, string> {
  const model = new MapDiffusion(runtime, config);
  const shapes = [...model.parameters()].map(([name, { shape }]) => [name, shape.join(' ')]);
  model.diffusion.dispose();
  return Object.fromEntries(shapes);
}

const norm = (name: string, channels: number) =>
  ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, `${channels}`]);

/** Weight and bias: outputs first. */
const layer = (name: string, ...weight: number[]) => [
  [`${name}.weight`, weight.join(' ')],
  [`${name}.bias`, `${weight[0]}`],
];

/** What the released MS-2D-TAN has before its gated convolutions, for I3D features of Charades-STA. */
function releasedEncoder(): Record<string, string> {
  const entries = layer('clip_module.vis_conv', 512, 1024, 1);
  for (const [scale, count] of [16, 8, 8].entries()) {
    for (let i = 0; i < count; i++) {
      const kernel = i > 0 ? 2 : scale > 0 ? 3 : 1;
      entries.push(...layer(`prop_module.layers.${scale}.${i}.0`, 512, 512, kernel));
      entries.push(...norm(`prop_module.layers.${scale}.${i}.1`, 512));
    }
  }
  for (const suffix of ['l0', 'l0_reverse', 'l1', 'l1_reverse', 'l2', 'l2_reverse']) {
    const inputs = suffix.startsWith('l0') ? 300 : 512;
    const lstm = `fusion_module.textual_encoder`;
    entries.push(
      [`${lstm}.weight_ih_${suffix}`, `1024 ${inputs}`],
      [`${lstm}.weight_hh_${suffix}`, '1024 256'],
    );
    entries.push([`${lstm}.bias_ih_${suffix}`, '1024'], [`${lstm}.bias_hh_${suffix}`, '1024']);
  }
  entries.push(
    ...layer('fusion_module.tex_linear', 512, 512),
    ...layer('fusion_module.vis_conv', 512, 512, 1, 1),
  );
  return Object.fromEntries(entries);
}

describe('named configurations', () => {
  for (const name of Object.keys(mapDiffusionConfigs) as MapDiffusionName[]) {
    it(`${name} builds, also from JSON`, () => {
      const config = mapDiffusionConfigs[name];
      assert.deepEqual(shapesOf(checkConfig(JSON.parse(JSON.stringify(config)))), shapesOf(config));
    });
  }

  it('MS-2D-TAN has the names and shapes of the released checkpoint', () => {
    const heads = [0, 1, 2].flatMap((scale) => [
      ...[0, 1].flatMap((i) => [
        ...layer(`map_modules.${scale}.blocks.${i}.0`, 512, 512, 17, 17),
        ...layer(`map_modules.${scale}.blocks.${i}.1`, 1, 512, 17, 17),
      ]),
      ...layer(`pred_modules.${scale}.predictor`, 1, 512, 1, 1),
    ]);
    const expected = { ...releasedEncoder(), ...Object.fromEntries(heads) };
    assert.deepEqual(shapesOf(mapDiffusionConfigs['ms-2d-tan-charades-i3d']), expected);
  });

  it('a checkpoint of MS-2D-TAN is converted to the weights that the model takes', () => {
    assert.ok(ms2dTan.length >= 5);
    for (const { name, conversion } of ms2dTan) {
      const { shapes, config } = conversion({ name: 'x', tensors: new Map() });
      const own = Object.entries(shapes).map(([weight, shape]) => [weight, shape.join(' ')]);
      assert.deepEqual(Object.fromEntries(own), shapesOf(mapDiffusionConfigs[name as MapDiffusionName]));
      assert.equal(checkConfig(config([]).model), mapDiffusionConfigs[name as MapDiffusionName]);
    }
  });

  it('the diffusion model has its encoder, and decoders of their own', () => {
    const { 'charades-sta': config } = mapDiffusionConfigs;
    const shapes = shapesOf(config);
    const own = /^(time_embed|decoders\.[012])\./;
    const encoder = Object.fromEntries(Object.entries(shapes).filter(([name]) => !own.test(name)));
    assert.deepEqual(encoder, releasedEncoder());
    for (const k of [0, 1, 2]) {
      assert.equal(shapes[`decoders.${k}.blocks.0.conv.weight`], '512 768 17 17');
      assert.equal(shapes[`decoders.${k}.blocks.1.gate.weight`], '1 512 17 17');
      assert.equal(shapes[`decoders.${k}.input_style.emb_layers.1.weight`], '1536 2048');
    }
  });

  it('read as many features as the released configurations', () => {
    const released = {
      'ms-2d-tan-charades-i3d': [1, 1024, 64],
      'ms-2d-tan-charades-vgg': [1, 4096, 256],
      'ms-2d-tan-activitynet-c3d': [1, 4096, 64],
      'ms-2d-tan-tacos-vgg': [1, 4096, 384],
      'ms-2d-tan-tacos': [1, 4096, 512],
    } as const;
    for (const [name, shape] of Object.entries(released)) {
      const { clips, layout } = mapDiffusionConfigs[name as keyof typeof released];
      assert.deepEqual(videoShape(clips, layout.clips, 1), shape);
    }
  });

  it('the segments of DiDeMo make 21 moments', () => {
    const { clips, scales, durations } = mapDiffusionConfigs.didemo.layout;
    assert.deepEqual([scales, durations], [1, clips]);
    assert.equal((clips * (clips + 1)) / 2, 21);
  });
});

type Change = { readonly [field: string]: unknown };

/** The configuration `name` with the fields of `change`, part by part. */
function changed(change: Change, name: MapDiffusionName = 'hapt'): unknown {
  const merge = (whole: unknown, part: unknown): unknown =>
    typeof part !== 'object' || part === null || Array.isArray(part)
      ? part
      : {
          ...(whole as Change),
          ...Object.fromEntries(
            Object.entries(part).map(([key, value]) => [
              key,
              merge((whole as Change | undefined)?.[key], value),
            ]),
          ),
        };
  return merge(mapDiffusionConfigs[name], change);
}

const frames = {
  kind: 'frames',
  channels: 1,
  frames: 4,
  width: 6,
  size: [18, 16],
  stages: [{ channels: 4, kernel: 3, stride: 2 }],
};

describe('checkConfig', () => {
  const wrong: readonly [what: string, change: Change, message: RegExp, of?: MapDiffusionName][] = [
    ['a missing part', { words: undefined }, /words must be an object/],
    ['a part that is none', { loss: null }, /loss must be an object/],
    ['a number of clips that the scales do not divide', { layout: { clips: 66 } }, /multiple of 4/],
    ['an odd number of durations', { layout: { durations: 15 } }, /durations must be even/],
    ['moments longer than the video', { layout: { durations: 18 } }, /72 clips.*64/],
    ['no scale', { layout: { scales: 0 } }, /scales/],
    [
      'an unknown kind of clips',
      { clips: { kind: 'sound' } },
      /clips\.kind.*features, signal or frames.*"sound"/,
    ],
    ['no pool', { clips: { pool: 0 } }, /clips\.pool/, 'charades-sta'],
    ['a stage of features', { clips: { stages: [] } }, /unknown field clips\.stages/, 'charades-sta'],
    [
      'a misspelled field',
      { decoder: { kernal: 5 } },
      /unknown field decoder\.kernal, did you mean kernel\?/,
    ],
    ['no stages', { clips: { stages: [] } }, /clips\.stages/],
    ['a stage without stride', { clips: { stages: [{ channels: 4, kernel: 3 }] } }, /stages\[0\]\.stride/],
    [
      'a stage that skips samples',
      { clips: { stages: [{ channels: 4, kernel: 3, stride: 4 }] } },
      /stages\[0\] skips/,
    ],
    [
      'an even kernel',
      { clips: { stages: [{ channels: 4, kernel: 4, stride: 1 }] } },
      /stages\[0\]\.kernel must be odd/,
    ],
    ['a dilation of 0', { clips: { context: [1, 0] } }, /clips\.context/],
    [
      'frames that the strides do not divide',
      { clips: { ...frames, size: [17, 16] } },
      /clips\.size.*2.*\[17,16\]/,
      'world',
    ],
    ['an LSTM without units', { words: { hidden: 0 } }, /words\.hidden/],
    ['no answer about packing', { words: { packed: 1 } }, /words\.packed/],
    ['an unknown head', { head: 'two-pass' }, /head must be diffusion or single-pass/],
    [
      'a condition of the other architecture',
      { decoder: { condition: 'cross-attention' } },
      /condition of a convolution/,
    ],
    [
      'multiplication in a Transformer',
      { decoder: { architecture: 'transformer', condition: 'multiplication' } },
      /condition of a transformer/,
    ],
    [
      'convolutions on all scales as one sequence',
      { decoder: { sequence: 'all-scales' } },
      /decoder\.sequence all-scales needs a transformer/,
    ],
    [
      'a stride of bins',
      { clips: { sampling: 'bins' } },
      /clips\.stride has no meaning with clips\.sampling bins/,
      'charades-sta',
    ],
    [
      'another sampling of rows',
      { clips: { sampling: 'bin' } },
      /clips\.sampling must be window or bins/,
      'charades-sta',
    ],
    ['an even kernel of the decoder', { decoder: { kernel: 4 } }, /decoder\.kernel must be odd/],
    [
      'an unknown place of stylization',
      { decoder: { stylization: { input: 'both' } } },
      /stylization\.input/,
    ],
    ['half a channel', { hidden: 7.5 }, /hidden.*7\.5/],
    ['one kind of action', { recognition: { classes: 1, weight: 1 } }, /recognition\.classes/],
    ['recognition for nothing', { recognition: { classes: 2, weight: 0 } }, /recognition\.weight/],
    ['no times', { diffusion: { times: 0 } }, /diffusion\.times/],
    ['an unknown loss', { loss: { kind: 'hinge' } }, /loss\.kind/],
    ['a loss that rescales all away', { loss: { rescaleFrom: 1 } }, /rescaleFrom/],
  ];
  for (const [what, change, message, of] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => checkConfig(changed(change, of)),
        (error) => error instanceof OptionError && message.test(error.message),
      );
    });
  }

  it('refuses what is no configuration', () => {
    for (const value of [undefined, null, 3, 'charades-sta', []]) {
      assert.throws(() => checkConfig(value), OptionError);
    }
  });

  it('takes frames', () => {
    const config = changed({ clips: frames }, 'world');
    assert.equal(checkConfig(config), config);
  });

  it('leaves to the decoders what depends on their widths', () => {
    const build = (change: Change) => () => new MapDiffusion(runtime, checkConfig(changed(change)));
    assert.throws(build({ decoder: { groups: 5 } }), /groups must divide the 8 channels/);
    assert.throws(build({ decoder: { architecture: 'transformer', heads: 7 } }), /heads must divide/);
    assert.throws(build({ diffusion: { schedule: 'square' } }), /schedule/);
  });
});
