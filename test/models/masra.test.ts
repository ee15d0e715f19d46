import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { OptionError } from '../../src/errors.js';
import { CgDetr } from '../../src/models/grounding/cg-detr/cg-detr.js';
import { type CgDetrConfig, checkCgDetrConfig } from '../../src/models/grounding/cg-detr/config.js';
import { cgDetrLosses, cgDetrObjectives } from '../../src/models/grounding/cg-detr/objective.js';
import { relationAlignment } from '../../src/models/grounding/losses/relation-alignment.js';
import { semanticAlignment } from '../../src/models/grounding/losses/semantic-alignment.js';
import type { MasraConfig } from '../../src/models/grounding/masra/config.js';
import { add, mul } from '../../src/ops/array/binary.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import {
  compare,
  configs,
  losses,
  numbers,
  ofClips,
  operands,
  read,
  rolled,
  runtime,
  sizes,
  targets,
  total,
  trained,
  twin,
} from '../support/cg-detr-golden.js';

// The parts of MASRA. Their numbers and gradients, with those of PyTorch, are in cg-detr.test.ts.
const config = configs.masra!;
const priors = targets.priors!;
const ids = async (x: Tensor) => [...((await x.read()) as Uint32Array)];
const nextText = { ...operands, text: rolled(operands.text), textMask: rolled(operands.textMask) };

/** The twin's network with other parts, and those of its weights that these have. */
async function without(...parts: readonly (keyof MasraConfig)[]): Promise<CgDetr> {
  const masra = Object.fromEntries(
    Object.entries(config.masra!).filter(([name]) => !parts.includes(name as never)),
  );
  const model = new CgDetr(runtime, { ...config, masra }, sizes);
  using whole = await twin('masra');
  const state = await whole.state();
  const own = [...model.storedWeights()].map(([name]) => [name, state[name]!] as const);
  await model.load(await openSafetensors(encodeSafetensors(Object.fromEntries(own)), 'masra'));
  return model;
}

/** What a call launches: operations, kernels, shapes and how often, in a fixed order. */
async function launchesOf(body: () => unknown): Promise<readonly string[]> {
  const { rows } = await runtime.profile(body);
  return rows
    .map(({ operation, variant, kernel, shape, workgroups, calls }) =>
      JSON.stringify({ operation, variant, kernel, shape, workgroups, calls }),
    )
    .sort();
}

describe('the codebook of MASRA', () => {
  it('gives the codes that are nearest to what the video shows and the text does not say', async () => {
    using model = await twin('masra');
    const { retrieved, features } = trained(model);
    assert.deepEqual(await ids(retrieved!.ids), [...(await numbers('masra/expected/ids'))]);
    compare(await read(retrieved!.context), await numbers('masra/expected/context'), 'context');
    compare(ofClips(await read(features!)), ofClips(await numbers('masra/expected/features')), 'features');
    const codes = await numbers('masra/weight/masra.codebook.codes');
    const width = config.width;
    const wanted = (await ids(retrieved!.ids)).flatMap((id) => [
      ...codes.slice(id * width, (id + 1) * width),
    ]);
    assert.deepEqual([...(await read(retrieved!.tokens))], wanted);
  });

  it('has gradients for the codes that are retrieved and for no others', async () => {
    using model = await twin('masra');
    const counts = await read(targets.otherVideo);
    const { dummies, codes } = config.interaction as { dummies: number; codes: number };
    // Those of a video with another text count where that is about another video.
    const ofNext = (await ids(trained(model, nextText).retrieved!.ids)).filter(
      (_, i) => counts[Math.floor(i / dummies)] === 1,
    );
    const used = new Set([...(await ids(trained(model).retrieved!.ids)), ...ofNext]);
    const name = 'masra.codebook.codes';
    const { gradients } = valueAndGrad(model.weights(), () => total(losses(model, 'masra')));
    const rows = await read(gradients[name]!);
    assert.ok(used.size < codes, 'every code is retrieved: nothing is tested');
    for (let code = 0; code < codes; code++) {
      const row = rows.slice(code * config.width, (code + 1) * config.width);
      assert.equal(
        row.some((x) => x !== 0),
        used.has(code),
        `code ${code}`,
      );
    }
  });
});

describe('what priors are for', () => {
  it('inference has the same operations and results without the alignment of events', async () => {
    using whole = await twin('masra');
    using plain = await without('semanticAlignment');
    assert.deepEqual(
      await launchesOf(() => runtime.scope(() => void plain.forward(operands))),
      await launchesOf(() => runtime.scope(() => void whole.forward(operands))),
    );
    const [first, second] = [plain.forward(operands), whole.forward(operands)];
    assert.deepEqual(await read(first.spans), await read(second.spans));
    assert.deepEqual(await read(first.saliency), await read(second.saliency));
    // The alignment of relations is a loss: the network has no part of it at all.
    assert.equal([...plain.storedWeights()].length, [...whole.storedWeights()].length - 1);
    // Parts that inference has are seen.
    using less = await without('semanticAlignment', 'guidedEnhancement');
    const launches = await launchesOf(() => runtime.scope(() => void less.forward(operands)));
    assert.notDeepEqual(launches, await launchesOf(() => runtime.scope(() => void plain.forward(operands))));
    // Its layers are there for the alignment of events alone, and training alone has them.
    using alone = await without('guidedEnhancement');
    assert.deepEqual(await launchesOf(() => runtime.scope(() => void alone.forward(operands))), launches);
  });

  it('each part is one that can be left out, and changes what is found', async () => {
    using whole = await twin('masra');
    const before = await read(whole.forward(operands).spans);
    for (const part of ['guidedEnhancement', 'secondOrder'] as const) {
      using less = await without(part);
      assert.notDeepEqual(await read(less.forward(operands).spans), before, part);
    }
    const { codes: _, ...learned } = config.interaction as { codes: number } & CgDetrConfig['interaction'];
    checkCgDetrConfig({ ...config, interaction: learned });
  });

  it('events and captions change their own losses alone', async () => {
    using model = await twin('masra');
    const changed = async (more: object) => {
      const before = losses(model, 'masra');
      const after = losses(model, 'masra', operands, { ...targets, priors: { ...priors, ...more } });
      const names: string[] = [];
      for (const name of Object.keys(before))
        if ((await read(before[name]!))[0] !== (await read(after[name]!))[0]) names.push(name);
      return names;
    };
    assert.deepEqual(await changed({}), []);
    assert.deepEqual(await changed({ events: rolled(priors.events) }), ['semanticAlignment']);
    assert.deepEqual(await changed({ eventClips: rolled(priors.eventClips) }), ['semanticAlignment']);
    assert.deepEqual(await changed({ captions: rolled(priors.captions) }), ['relationAlignment']);
    assert.deepEqual(await changed({ captionMask: rolled(priors.captionMask) }), ['relationAlignment']);
  });

  it('losses vanish where video and text agree, whatever the lengths of vectors', async () => {
    const value = async (x: Tensor) => (await read(x))[0]!;
    const { captions, captionMask } = priors;
    assert.ok((await value(relationAlignment(mul(captions, 3), priors))) < 1e-10);
    assert.ok((await value(relationAlignment(rolled(captions), { captions, captionMask }))) > 0.1);
    // An event of one clip, whose text is the clip, or its opposite.
    const clips = captions.shape[1]!;
    const eye = Array.from({ length: 3 * clips * clips }, (_, i) =>
      Number(i % (clips + 1) === 0 && i < clips * clips),
    );
    const eventClips = runtime.tensor(eye, [3, clips, clips], 'u32');
    const error = await value(semanticAlignment(mul(captions, 3), { events: captions, eventClips }));
    assert.ok(Math.abs(error) < 1e-6, `${error}`);
    const opposite = await value(semanticAlignment(mul(captions, -1), { events: captions, eventClips }));
    assert.ok(Math.abs(opposite - 2) < 1e-5, `${opposite}`);
    // No event and no caption at all.
    const none = { ...priors, eventClips: mul(priors.eventClips, 0), captionMask: mul(captionMask, 0) };
    assert.equal(await value(semanticAlignment(captions, none)), 0);
    assert.equal(await value(relationAlignment(captions, none)), 0);
  });

  it('is asked for, and parts that do not fit are refused', async () => {
    const { priors: _, ...untold } = targets;
    using model = await twin('masra');
    const outputs = trained(model);
    const of = (objective: object) => () =>
      cgDetrLosses(outputs, operands.videoMask, untold, { saliency: 1, margin: 0.2, ...objective });
    assert.throws(of({ semanticAlignment: 1 }), /targets.priors is missing/);
    assert.throws(of({ relationAlignment: 1 }), /targets.priors is missing/);
    using plain = await twin('adaptive');
    assert.throws(
      () => cgDetrLosses(trained(plain), operands.videoMask, targets, cgDetrObjectives.masra),
      OptionError,
    );
    const adaptive = config.interaction as CgDetrConfig['interaction'] & { dummies: number };
    const checked = (more: object) => () => checkCgDetrConfig({ ...config, ...more } as CgDetrConfig);
    assert.throws(
      checked({ interaction: { ...adaptive, codes: adaptive.dummies - 1 } }),
      /codes must be at least/,
    );
    assert.throws(checked({ interaction: { ...adaptive, dummyLayers: 1 } }), /dummyLayers 0/);
    assert.throws(
      checked({ interaction: { kind: 'cross', layers: 1 } }),
      /masra is for the interaction adaptive/,
    );
    assert.throws(checked({ masra: { secondOrder: { chanels: 8 } } }), OptionError);
  });
});

describe('gradients of the codebook', () => {
  it('reach the context through the commitment alone, and codes through their distance', async () => {
    using model = await twin('masra');
    const wanted = await read(trained(model).retrieved!.context);
    assert.ok(wanted.every(Number.isFinite));
    const name = 'input_vid_proj.1.net.1.weight';
    const gradient = async (commitment: number) => {
      const objective = { saliency: 0, margin: 0.2, codebook: 1, commitment };
      const { gradients } = valueAndGrad(model.weights(), () => {
        const { codebook } = cgDetrLosses(trained(model), operands.videoMask, targets, objective);
        return add(codebook!.reshape([]), 0);
      });
      return { video: await read(gradients[name]!), codes: await read(gradients['masra.codebook.codes']!) };
    };
    const [none, some] = [await gradient(0), await gradient(0.5)];
    assert.ok(none.video.every((x) => x === 0));
    assert.ok(some.video.some((x) => x !== 0));
    assert.ok(none.codes.some((x) => x !== 0));
    assert.deepEqual(some.codes, none.codes);
  });
});
