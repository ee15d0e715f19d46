import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lstmCases } from '../../cases/lstm.js';
import { type HostTensor, normal, relativeError, rounded, u32 } from '../../cases/support/host.js';
import { Random } from '../../cases/support/random.js';
import { encodeSafetensors, openSafetensors } from '../../src/data/formats/safetensors.js';
import { OptionError, ShapeError } from '../../src/errors.js';
import { Lstm } from '../../src/nn/lstm.js';
import { testRuntime } from '../support/runtime.js';

const runtime = await testRuntime();
const [batch, time, inputs, hidden] = [3, 6, 5, 4];

describe('Lstm', () => {
  it('stacks layers under the names of PyTorch', async () => {
    const random = new Random(7);
    const model = new Lstm(runtime, inputs, hidden, { layers: 2, bidirectional: true });
    const stored = Object.fromEntries(
      [...model.parameters()].map(([name, { shape }]) => [name, rounded(normal(random, shape), 'f32')]),
    );
    const names = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'];
    const suffixes = ['l0', 'l0_reverse', 'l1', 'l1_reverse'];
    assert.deepEqual(
      Object.keys(stored),
      suffixes.flatMap((suffix) => names.map((name) => `${name}_${suffix}`)),
    );
    const arrays = Object.entries(stored).map(([name, { shape, data }]) => [
      name,
      { dtype: 'f32', shape: [...shape], data: Float32Array.from(data) },
    ]);
    await model.load(await openSafetensors(encodeSafetensors(Object.fromEntries(arrays)), 'model'));

    const input = rounded(normal(random, [batch, time, inputs]), 'f32');
    const lengths = u32([batch], (row) => [6, 1, 4][row]!);
    const layer = (l: number, features: HostTensor, width: number) =>
      lstmCases.reference(
        {
          input: features,
          weightIh: stored[`weight_ih_l${l}`],
          weightHh: stored[`weight_hh_l${l}`],
          biasIh: stored[`bias_ih_l${l}`],
          biasHh: stored[`bias_hh_l${l}`],
          weightIhReverse: stored[`weight_ih_l${l}_reverse`],
          weightHhReverse: stored[`weight_hh_l${l}_reverse`],
          biasIhReverse: stored[`bias_ih_l${l}_reverse`],
          biasHhReverse: stored[`bias_hh_l${l}_reverse`],
          lengths,
        },
        {},
        { batch, time, inputs: width, hidden, directions: 2 },
      );
    const first = layer(0, input, inputs);
    const second = layer(1, first.output!, 2 * hidden);

    const x = runtime.tensor(input.data, input.shape);
    const valid = runtime.tensor(lengths.data, lengths.shape, 'u32');
    const { output, states } = model.forward(x, { lengths: valid });
    assert.ok(relativeError(await output.read(), second.output!.data) < 1e-5);
    assert.equal(states.length, 2);
    assert.ok(relativeError(await states[0]!.read(), first.state!.data) < 1e-5);
    assert.ok(relativeError(await states[1]!.read(), second.state!.data) < 1e-5);

    assert.throws(() => model.forward(x, { states: [states[0]!] }), ShapeError);
    const { usedBytes } = runtime.memory;
    const again = model.forward(x, { states });
    assert.deepEqual(again.output.shape, [batch, time, 2 * hidden]);
    for (const tensor of [again.output, ...again.states]) tensor.dispose();
    assert.equal(runtime.memory.usedBytes, usedBytes);
  });

  it('refuses a number of layers that is none', () => {
    for (const layers of [0, 1.5, Number.NaN]) {
      assert.throws(() => new Lstm(runtime, inputs, hidden, { layers }), OptionError);
    }
  });
});
