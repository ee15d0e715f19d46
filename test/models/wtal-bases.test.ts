import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { valueAndGrad } from '../../src/autograd/value-and-grad.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import type { BaseOutputs } from '../../src/models/wtal/base.js';
import { type BaseConfig, makeBase } from '../../src/models/wtal/bases/make-base.js';
import { objectiveLoss, type WtalObjective, wtalObjectives } from '../../src/models/wtal/objective.js';
import { add } from '../../src/ops/array/binary.js';
import { take } from '../../src/ops/array/gather.js';
import { narrow } from '../../src/ops/array/slice.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { testRuntime } from '../support/runtime.js';
import { WtalGolden, wtalGoldenNames } from '../support/wtal-golden.js';

// The bases and their losses against PyTorch, whose answers wtal-twin.py stored; then what must hold whatever the numbers.
const runtime = await testRuntime();

/** The outputs of a base by the names of the twin. */
function named(outputs: BaseOutputs): Record<string, Tensor> {
  const { cas, attention, features, modalAttentions, actionness, reconstructions } = outputs;
  const numbered = (name: string, tensors: readonly Tensor[]) =>
    tensors.map((tensor, i) => [`${name}.${i}`, tensor] as const);
  return {
    ...{ cas, attention, features },
    ...Object.fromEntries([
      ...numbered('modal', modalAttentions),
      ...numbered('actionness', actionness),
      ...numbered(
        'rebuilt',
        reconstructions.map(({ rebuilt }) => rebuilt),
      ),
    ]),
  };
}

for (const name of wtalGoldenNames) {
  describe(`the base ${name}`, () => {
    it('says what PyTorch says', async (test) => {
      const golden = await WtalGolden.open(runtime, name);
      const { base, snippets, stored } = golden;
      const outputs = base.forward(snippets);
      const found = named(outputs);
      const expected = [...stored.tensors.keys()].filter((key) => /^expected\/[^/]+$/.test(key));
      assert.deepEqual(expected.map((key) => key.slice(9)).sort(), Object.keys(found).sort());
      let worst = 0;
      for (const [key, tensor] of Object.entries(found)) {
        const error = relativeError(await tensor.read(), await golden.numbers(`expected/${key}`));
        assert.ok(error < 1e-5, `${key} is off by ${error}`);
        worst = Math.max(worst, error);
      }
      assert.deepEqual(outputs.cas.shape, [7, 13, base.classes]);
      assert.deepEqual(outputs.features.shape, [7, 13, base.width]);
      test.diagnostic(`largest error ${worst.toExponential(1)}`);
      const again = await base.classify(outputs.features).read();
      assert.ok(
        relativeError(again, await outputs.cas.read()) < 1e-6,
        'classify gives the CAS of its features',
      );
      base.dispose();
    });

    it('learns as in PyTorch: every loss, and the gradients of all weights', async (test) => {
      const golden = await WtalGolden.open(runtime, name);
      const { base, snippets, stored } = golden;
      const { mask, ...operands } = golden.operands;
      let worst = 0;
      for (const [title, objective] of Object.entries(golden.objectives)) {
        const given = title === 'given-mask' ? { ...operands, mask } : operands;
        const reads: Record<string, Promise<ArrayLike<number>>> = {};
        const { gradients } = valueAndGrad(base.weights(), () => {
          const parts = objectiveLoss(base.forward(snippets), given, objective);
          for (const [part, value] of Object.entries(parts)) reads[part] = value.read();
          return Object.values(parts).reduce(add);
        });
        const wanted = [...stored.tensors.keys()].filter((key) => key.startsWith(`expected/${title}/`));
        assert.deepEqual(wanted.map((key) => key.split('/')[2]).sort(), Object.keys(reads).sort());
        for (const [part, value] of Object.entries(reads)) {
          const error = relativeError(await value, await golden.numbers(`expected/${title}/${part}`));
          assert.ok(error < 1e-5, `${title}: ${part} is off by ${error}`);
        }
        const expected = await Promise.all(
          Object.keys(gradients).map((key) => golden.numbers(`gradient/${title}/${key}`)),
        );
        // Of some weights the gradient is 0 but for rounding: then the whole counts.
        const whole = Math.hypot(...expected.map((numbers) => Math.hypot(...numbers)));
        assert.ok(whole > 1e-4, `${title}: there is a gradient to compare`);
        for (const [i, [key, gradient]] of Object.entries(gradients).entries()) {
          const own = Math.hypot(...expected[i]!);
          const found = await gradient.read();
          const error =
            Math.hypot(...expected[i]!.map((x, k) => x - found[k]!)) / Math.max(own, 1e-3 * whole);
          assert.ok(error < 1e-4, `${title}: the gradient of ${key} is off by ${error}`);
          worst = Math.max(worst, error);
        }
      }
      test.diagnostic(`largest error of a gradient ${worst.toExponential(1)}`);
      base.dispose();
    });
  });
}

const small: BaseConfig = { kind: 'co2net', channels: 8, classes: 4, width: 6, attentionWidth: 4 };
const bases: readonly BaseConfig[] = [
  small,
  { ...small, pool: 13, autoEncoder: 2 },
  { kind: 'four-head', channels: 8, classes: 4, classifierWidth: 6, attentionWidth: 4 },
  { kind: 'cmcs', channels: 8, classes: 4, width: 6, branchWidth: 5, branches: 2 },
  { kind: 'local', channels: 8, classes: 4, width: 6, dropout: 0.4 },
];
const normal = (seed: number, ...shape: number[]) => {
  const random = new Random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return runtime.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
};
const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe('every base', () => {
  for (const config of bases) {
    it(`${JSON.stringify(config)}: a video says the same wherever it stands in the batch`, async () => {
      const base = makeBase(runtime, config).initialize(3);
      const snippets = normal(1, 3, 9, 8);
      const order = runtime.tensor([2, 0, 1], [3], 'u32');
      const moved = (x: Tensor) => take({ x, ids: order }, { axis: 0 });
      const outputs = named(base.forward(snippets));
      for (const [name, tensor] of Object.entries(named(base.forward(moved(snippets))))) {
        const error = relativeError(await tensor.read(), await moved(outputs[name]!).read());
        assert.ok(error < 1e-6, `${name} is off by ${error}`);
      }
      base.dispose();
    });

    it(`${JSON.stringify(config)}: dropout is a matter of training, of its seed and of its step`, async () => {
      const base = makeBase(runtime, config).initialize(3);
      const snippets = normal(1, 2, 9, 8);
      const attention = async () => [...(await base.forward(snippets).attention.read())];
      const calm = await attention();
      assert.deepEqual(await attention(), calm);
      base.train();
      const step = (number: number) => {
        base.seedRandom(5, number);
        return attention();
      };
      const [first, second] = [await step(0), await step(1)];
      assert.deepEqual(await step(0), first);
      // CMCS has no dropout.
      assert.equal(first.join() !== second.join(), config.kind !== 'cmcs');
      assert.equal(first.join() !== calm.join(), config.kind !== 'cmcs');
      base.dispose();
    });

    it(`${JSON.stringify(config)}: attention is from 0 to 1, or a softmax over time`, async () => {
      const base = makeBase(runtime, config).initialize(3);
      const found = await base.forward(normal(1, 1, 40, 8)).attention.read();
      assert.ok(found.every((x) => x >= 0 && x <= 1));
      const total = Array.from(found).reduce((a, b) => a + b, 0);
      assert.equal(Math.abs(total - 1) < 1e-5, config.kind === 'cmcs');
      base.dispose();
    });

    it(`${JSON.stringify(config)}: videos of one snippet have finite losses and gradients`, async () => {
      const base = makeBase(runtime, config).initialize(3);
      // Both of these have one attention, so that none can learn from another.
      const single = config.kind === 'cmcs' || config.kind === 'local';
      const one = single ? wtalObjectives.binary : wtalObjectives['delu-thumos14'];
      const labels = runtime.tensor([1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1], [6, 3]);
      const operands = { labels, progress: runtime.tensor([0.2]) };
      const objective = { ...one, masked: wtalObjectives['four-head'].masked };
      const { value, gradients } = valueAndGrad(base.weights(), () =>
        Object.values(objectiveLoss(base.forward(normal(2, 6, 1, 8)), operands, objective)).reduce(add),
      );
      for (const tensor of [value, ...Object.values(gradients)]) {
        assert.ok((await tensor.read()).every(Number.isFinite));
      }
      base.dispose();
    });
  }
});

it('the local base says the same of a snippet whatever the others are', async () => {
  const base = makeBase(runtime, { kind: 'local', channels: 8, classes: 4, width: 6 }).initialize(3);
  const snippets = normal(1, 1, 9, 8);
  const alone = named(base.forward(narrow(snippets, 1, 4, 1)));
  for (const [name, whole] of Object.entries(named(base.forward(snippets)))) {
    const error = relativeError(await alone[name]!.read(), await narrow(whole, 1, 4, 1).read());
    assert.ok(error < 1e-6, `${name} is off by ${error}`);
  }
  const classified = base.classify(base.forward(snippets).features);
  const { cas } = base.forward(snippets);
  assert.ok(relativeError(await classified.read(), await cas.read()) < 1e-6);
  base.dispose();
});

describe('the losses', () => {
  const base = makeBase(runtime, small).initialize(4);
  const outputs = base.forward(normal(5, 6, 12, 8));
  // The first pair shares two classes, the second none, the third one.
  const rows = [
    [1, 1, 0],
    [1, 1, 1],
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
    [0, 1, 1],
  ];
  const labelsOf = (rows: readonly (readonly number[])[]) => runtime.tensor(rows.flat(), [rows.length, 3]);
  const lossOf = async (
    part: string,
    objective: WtalObjective,
    { of = outputs, labels = rows as readonly (readonly number[])[], progress = 0.3 } = {},
  ) => {
    const operands = { labels: labelsOf(labels), progress: runtime.tensor([progress]) };
    return (await objectiveLoss(of, operands, objective)[part]!.read())[0]!;
  };
  const reordered = (order: readonly number[]): BaseOutputs => {
    const ids = runtime.tensor([...order], [order.length], 'u32');
    const moved = (x: Tensor) => take({ x, ids }, { axis: 0 });
    const { cas, attention, features, modalAttentions } = outputs;
    return {
      ...{ cas: moved(cas), attention: moved(attention), features: moved(features) },
      modalAttentions: modalAttentions.map(moved),
      actionness: [],
      reconstructions: [],
    };
  };

  it('of single videos do not depend on the order of the batch', async () => {
    const order = [4, 1, 0, 5, 3, 2];
    const labels = order.map((i) => rows[i]!);
    const objective: WtalObjective = {
      ...wtalObjectives['delu-thumos14'],
      ...wtalObjectives.binary,
      ...wtalObjectives['four-head'],
    };
    const { coActivity: _, ...single } = objective;
    for (const part of Object.keys(
      objectiveLoss(outputs, { labels: labelsOf(rows), progress: runtime.tensor([0.3]) }, single),
    )) {
      const [here, there] = [
        await lossOf(part, single),
        await lossOf(part, single, { of: reordered(order), labels }),
      ];
      close(there, here, 1e-5 * Math.abs(here));
    }
  });

  it('are proportional to their weights', async () => {
    for (const weight of [0, 0.25, 3]) {
      const one = await lossOf('guide', { guide: { weight: 1 } });
      close(await lossOf('guide', { guide: { weight } }), weight * one);
    }
  });

  it('softmax MIL calls for the background in the CAS, and not in the suppressed one', async () => {
    const objective: WtalObjective = { softmaxMil: { weight: 1, ratio: 3 } };
    const none = rows.map(() => [0, 0, 0]);
    close(await lossOf('milSuppressed', objective, { labels: none }), 0);
    const raised = { ...outputs, cas: add(outputs.cas, runtime.tensor([0, 0, 0, 4])) };
    const [before, after] = [
      await lossOf('milOriginal', objective, { labels: none }),
      await lossOf('milOriginal', objective, { of: raised, labels: none }),
    ];
    assert.ok(after < before / 2, `${after} of ${before}`);
    assert.ok(
      (await lossOf('milSuppressed', objective, { of: raised })) > (await lossOf('milSuppressed', objective)),
    );
  });

  it('co-activity sees the pairs alone, each as it is', async () => {
    const objective: WtalObjective = { coActivity: { weight: 1, pairs: 2 } };
    const whole = await lossOf('coActivity', objective);
    assert.ok(whole > 0);
    const at = (order: readonly number[], pairs = 2) =>
      lossOf(
        'coActivity',
        { coActivity: { weight: 1, pairs } },
        { of: reordered(order), labels: order.map((i) => rows[i]!) },
      );
    close(await at([0, 1, 2, 3, 5, 4]), whole);
    close(await at([1, 0, 2, 3, 4, 5]), whole);
    close(await at([2, 3, 0, 1, 4, 5]), whole);
    assert.ok(Math.abs((await at([0, 4, 1, 5, 2, 3])) - whole) > 1e-4, 'other pairs, another loss');
    // The second pair shares nothing: two pairs are as one, and it alone is none.
    close(await at([0, 1, 2, 3], 1), whole);
    close(await at([2, 3, 0, 1], 1), 0);
  });

  it('the curriculum is the guide loss when half is done, and turns around', async () => {
    const objective: WtalObjective = { guide: { weight: 1 }, curriculum: { weight: 1, amplitude: 0.7 } };
    const guide = await lossOf('guide', objective);
    const at = (progress: number) => lossOf('curriculum', objective, { progress });
    close(await at(0.5), guide);
    const [begin, end] = [await at(0), await at(1)];
    close((begin + end) / 2, guide);
    assert.ok(Math.abs(begin - end) > 1e-4);
  });

  it('are the same in a captured step, whose operands may change', async () => {
    const objective: WtalObjective = { ...wtalObjectives['delu-thumos14'], ...wtalObjectives['four-head'] };
    const [labels, progress] = [labelsOf(rows), runtime.tensor([0.3])];
    const capture = await runtime.capture(() => objectiveLoss(outputs, { labels, progress }, objective));
    for (const [share, marks] of [
      [0.3, rows],
      [0.9, rows.toReversed()],
    ] as const) {
      progress.write(Float32Array.of(share));
      labels.write(Float32Array.from(marks.flat()));
      capture.run();
      for (const [part, tensor] of Object.entries(capture.outputs)) {
        const expected = await lossOf(part, objective, { labels: marks, progress: share });
        close((await tensor.read())[0]!, expected, 1e-6 * Math.abs(expected));
      }
    }
    capture.dispose();
  });

  it('videos without a class count nothing as evidence', async () => {
    const objective: WtalObjective = { evidence: { weight: 1, ratio: 4 } };
    const none = rows.map(() => [0, 0, 0]);
    close(await lossOf('evidence', objective, { labels: none }), 0);
    const first = rows.map((row, i) => (i === 0 ? row : [0, 0, 0]));
    const others = rows.map((row, i) => (i === 0 ? [0, 0, 0] : row));
    const parts = [first, others].map((labels) => lossOf('evidence', objective, { labels }));
    const total = (await parts[0]!) + (await parts[1]!);
    close(total, await lossOf('evidence', objective), 1e-5);
  });

  it('binary MIL lets classes stand beside each other', async () => {
    const objective: WtalObjective = { binaryMil: { weight: 1, snippets: 4, attended: false } };
    // Each class has a third of the time of its own.
    const cas = runtime.tensor(
      Array.from({ length: 12 * 4 }, (_, i) => (i % 4 === Math.floor(i / 16) ? 12 : 0)),
      [1, 12, 4],
    );
    const of = { ...reordered([0]), cas };
    close(await lossOf('binaryMil', objective, { of, labels: [[1, 1, 1]] }), 0, 1e-4);
    const softmax = await lossOf(
      'milSuppressed',
      { softmaxMil: { weight: 1, ratio: 3 } },
      { of: { ...of, attention: runtime.tensor(Array(12).fill(1), [1, 12]) }, labels: [[1, 1, 1]] },
    );
    close(softmax, Math.log(3), 1e-3);
  });

  it('the background is free up to its share', async () => {
    const shares = async (above: number) =>
      lossOf('backgroundExcess', { backgroundExcess: { weight: 1, above } });
    assert.equal(await shares(1), 0);
    const mean = await shares(0);
    assert.ok(mean > 0.02);
    close(await shares(0.01), mean - 0.01, 1e-6);
  });

  it('a mask that is given takes the place of the best snippets', async () => {
    const objective: WtalObjective = wtalObjectives['four-head'];
    const labels = labelsOf(rows);
    const all = runtime.tensor(Array(6 * 12 * 4).fill(1), [6, 12, 4]);
    const read = async (mask?: Tensor) =>
      (await objectiveLoss(outputs, { labels, mask }, objective).generalizedCrossEntropy!.read())[0]!;
    assert.notEqual(await read(all), await read());
    // With every snippet in the mask the attention should be 1.
    const ones = runtime.tensor(Array(72).fill(1), [6, 12]);
    const sure = { ...outputs, attention: ones, modalAttentions: [ones, ones] };
    const [loss] = await objectiveLoss(
      sure,
      { labels, mask: all },
      objective,
    ).generalizedCrossEntropy!.read();
    close(loss!, 0);
  });

  it('refuse what they cannot do', () => {
    const labels = labelsOf(rows);
    const refused = (
      objective: unknown,
      operands: object,
      kind: typeof OptionError | typeof ShapeError,
      message: RegExp,
      of = outputs,
    ) =>
      assert.throws(
        () => objectiveLoss(of, operands as { labels: Tensor }, objective as WtalObjective),
        (error) => error instanceof kind && message.test(error.message),
      );
    refused({}, { labels }, OptionError, /at least one loss/);
    refused({ guide: { weight: -1 } }, { labels }, OptionError, /objective\.guide\.weight/);
    refused({ guides: { weight: 1 } }, { labels }, OptionError, /guides.*did you mean guide/);
    refused({ guide: { weight: 1, k: 2 } }, { labels }, OptionError, /guide\.k/);
    refused({ curriculum: { weight: 1, amplitude: 0.5 } }, { labels }, OptionError, /progress/);
    refused({ reconstruction: { weight: 1 } }, { labels }, OptionError, /auto-encoders/);
    refused({ coActivity: { weight: 1, pairs: 4 } }, { labels }, OptionError, /pairs/);
    refused({ mutual: { weight: 1 } }, { labels }, OptionError, /two attentions/, {
      ...outputs,
      modalAttentions: [],
    });
    refused({ guide: { weight: 1 } }, { labels: outputs.cas }, ShapeError, /labels/);
    refused({ guide: { weight: 1 } }, { labels, progress: labels }, ShapeError, /progress/);
    refused({ guide: { weight: 1 } }, { labels, mask: labels }, ShapeError, /mask/);
    refused({ guide: { weight: 1 } }, { labels, maks: labels }, OptionError, /did you mean mask/);
  });
});

it('a base is made from a configuration that is right', () => {
  const refused = (config: object, message: RegExp) =>
    assert.throws(
      () => makeBase(runtime, config as BaseConfig),
      (error) => error instanceof OptionError && message.test(error.message),
    );
  refused({ ...small, kind: 'co3net' }, /config\.kind/);
  refused({ ...small, widht: 3 }, /widht, did you mean width/);
  refused({ ...small, channels: 7 }, /config\.channels must be an even integer/);
  refused({ ...small, pool: 4 }, /config\.pool must be an odd integer/);
  refused({ ...small, dropout: 1.5 }, /config\.dropout/);
  refused({ ...small, classes: 1 }, /config\.classes/);
  refused({ ...bases[2]!, heads: 3 }, /heads must divide the 4 channels/);
  const base = makeBase(runtime, small).initialize(1);
  assert.throws(() => base.forward(normal(1, 2, 5, 9)), ShapeError);
  assert.throws(() => base.classify(normal(1, 2, 5, 9)), ShapeError);
  base.dispose();
});

it('weights begin as Kaiming’s and biases as 0', async () => {
  const base = makeBase(runtime, { ...small, width: 64 }).initialize(1);
  for (const [name, parameter] of base.parameters()) {
    const data = await parameter.read();
    const bound = Math.sqrt(6 / parameter.shape.slice(1).reduce((a, b) => a * b, 1));
    const largest = Math.max(...data.map(Math.abs));
    if (name.endsWith('bias')) assert.equal(largest, 0, name);
    else
      assert.ok(
        largest <= bound && (data.length < 50 || largest > 0.9 * bound),
        `${name} ${largest} of ${bound}`,
      );
  }
  base.dispose();
});
