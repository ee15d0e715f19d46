import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../src/errors.js';
import { classPairBatches, shuffledBatches, weightedBatches } from '../../src/training/batch-samplers.js';

const batches = (sampler: ReturnType<typeof shuffledBatches>, count: number, seed = 1) =>
  Array.from({ length: count }, (_, index) => sampler(index, seed));

describe('batch samplers', () => {
  const labels = [['a'], ['b', 'a'], ['b'], ['c'], [], ['b', 'b']];
  const samplers = {
    shuffledBatches: shuffledBatches(7, 3),
    weightedBatches: weightedBatches([1, 0, 3], 4),
    classPairBatches: classPairBatches(labels, { pairs: 2, others: 1 }),
  };
  for (const [name, sampler] of Object.entries(samplers)) {
    it(`${name}: a function of the batch and the seed, whatever was asked before`, () => {
      const forward = batches(sampler, 8);
      const backward = [7, 6, 5, 4, 3, 2, 1, 0].map((index) => sampler(index, 1)).reverse();
      sampler(3, 2);
      assert.deepEqual(backward, forward);
      assert.deepEqual(sampler(3, 1), forward[3]);
      assert.notDeepEqual(batches(sampler, 8, 2), forward);
    });
  }

  it('shuffledBatches: each example once an epoch, in another order each time', () => {
    const drawn = batches(shuffledBatches(7, 3), 7).flat();
    const epochs = [0, 1, 2].map((epoch) => drawn.slice(7 * epoch, 7 * (epoch + 1)));
    for (const epoch of epochs) assert.deepEqual(epoch.toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    assert.notDeepEqual(epochs[0], epochs[1]);
  });

  it('weightedBatches: as often as the weights say, and never one of weight 0', () => {
    const drawn = batches(weightedBatches([1, 0, 3, 0], 100), 100).flat();
    const counts = [0, 1, 2, 3].map((example) => drawn.filter((one) => one === example).length);
    assert.equal(counts[1], 0);
    assert.equal(counts[3], 0);
    // 10,000 draws with p = 1/4: a standard deviation of 43.
    assert.ok(Math.abs(counts[0]! - 2500) < 200, counts.join());
  });

  it('classPairBatches: pairs of different examples that share a class, each class as often', () => {
    const drawn = batches(classPairBatches(labels, { pairs: 2, others: 3 }), 2000);
    const pairs = drawn.flatMap((batch) => [batch.slice(0, 2), batch.slice(2, 4)]);
    for (const [a, b] of pairs) {
      assert.notEqual(a, b);
      assert.ok(
        labels[a!]!.some((name) => labels[b!]!.includes(name)),
        `${a} and ${b} share no class`,
      );
    }
    // Only class a has the pair of 0 and 1; b has three, of which each comes up.
    const ofA = pairs.filter((pair) => pair.includes(0)).length;
    assert.ok(Math.abs(ofA / pairs.length - 0.5) < 0.04, String(ofA));
    const ofB = new Set(pairs.filter((pair) => !pair.includes(0)).map((pair) => pair.toSorted().join()));
    assert.deepEqual([...ofB].toSorted(), ['1,2', '1,5', '2,5']);
    const others = drawn.map((batch) => batch.slice(4));
    assert.ok(others.every((batch) => batch.length === 3));
    assert.deepEqual(new Set(others.flat()).size, labels.length);
  });

  it('refuse what they cannot draw from', () => {
    assert.throws(() => shuffledBatches(0, 1), OptionError);
    assert.throws(() => weightedBatches([0, 0], 1), /sum above 0/);
    assert.throws(() => weightedBatches([1, -1], 1), OptionError);
    assert.throws(() => classPairBatches([['a'], ['b']], { pairs: 1, others: 0 }), /two examples share/);
    assert.throws(() => classPairBatches(labels, { pairs: 0, others: 1 }), OptionError);
  });
});
