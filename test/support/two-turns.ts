import { stopGradient } from '../../src/autograd/value-and-grad.js';
import { HostRandom } from '../../src/data/host-random.js';
import { Dropout } from '../../src/nn/dropout.js';
import { Linear } from '../../src/nn/linear.js';
import { Module } from '../../src/nn/module.js';
import { add, mul, sub } from '../../src/ops/array/binary.js';
import { mean } from '../../src/ops/array/reduce.js';
import { scaleShift, square } from '../../src/ops/array/unary.js';
import type { Runtime } from '../../src/tensor/runtime.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { shuffledBatches } from '../../src/training/batch-samplers.js';
import type { Batch, LossParts, TrainingTask, Turn } from '../../src/training/training-task.js';

/** Two branches that predict the same from other features, and pull at each other. */
export class TwoBranches extends Module {
  readonly encoder = this.child('encoder', new Linear(this.runtime, 3, 6));
  readonly base = this.child('base', new Linear(this.runtime, 6, 1));
  readonly other = this.child('other', new Branch(this.runtime));
}

class Branch extends Module {
  readonly dropout = this.child('dropout', new Dropout(this.runtime, 0.2));
  readonly linear = this.child('linear', new Linear(this.runtime, 3, 1));
}

/** The features and the wanted number of an example: y = x0 + 2 x1 - x2. */
export function example(index: number): { readonly x: readonly number[]; readonly y: number } {
  const random = new HostRandom(index);
  const x = [random.normal(), random.normal(), random.normal()];
  return { x, y: x[0]! + 2 * x[1]! - x[2]! };
}

/**
 * Two turns: first the other branch, then the base with its encoder in every second step. Each is pulled to what the other
 * says. The task remembers the mean prediction of the base, and reads its data ahead.
 */
export class TwoTurns implements TrainingTask<ReturnType<typeof example>[]> {
  readonly model: TwoBranches;
  readonly sampler;
  readonly turns: readonly Turn[] = [
    { name: 'other', weights: ['other'] },
    { name: 'base', runs: (step) => step % 2 === 0 },
  ];
  readonly memory: { readonly seen: Tensor };
  readonly #x: Tensor;
  readonly #y: Tensor;

  constructor(runtime: Runtime, batch = 4) {
    this.model = new TwoBranches(runtime);
    this.sampler = shuffledBatches(30, batch);
    this.memory = { seen: runtime.zeros([1]) };
    this.#x = runtime.zeros([batch, 3]);
    this.#y = runtime.zeros([batch, 1]);
  }

  async load(_: number, examples: readonly number[]) {
    return examples.map(example);
  }

  prepare({ loaded }: Batch<ReturnType<typeof example>[]>): void {
    this.#x.write(loaded.flatMap(({ x }) => x));
    this.#y.write(loaded.map(({ y }) => y));
  }

  loss(turn: string): LossParts {
    const { encoder, base, other } = this.model;
    const ofBase = base.forward(encoder.forward(this.#x, { activation: 'tanh' }));
    const ofOther = other.linear.forward(other.dropout.forward(this.#x));
    const { seen } = this.memory;
    if (turn === 'other') {
      return { fit: error(ofOther, this.#y), pull: scaleShift(error(ofOther, stopGradient(ofBase)), 0.5, 0) };
    }
    seen.assign(add(mul(seen, 0.9), scaleShift(mean(stopGradient(ofBase)).reshape([1]), 0.1, 0)));
    const drift = scaleShift(error(ofBase, stopGradient(seen)), 0.01, 0);
    return {
      fit: error(ofBase, this.#y),
      pull: scaleShift(error(ofBase, stopGradient(ofOther)), 0.5, 0),
      drift,
    };
  }

  /** How far the base is off over all examples. */
  async error(): Promise<number> {
    const { encoder, base } = this.model;
    const all = Array.from({ length: 30 }, (_, index) => example(index));
    const { runtime } = this.model;
    const found = runtime.scope(() => {
      const x = runtime.tensor(
        all.flatMap(({ x }) => x),
        [30, 3],
      );
      const y = runtime.tensor(
        all.map(({ y }) => y),
        [30, 1],
      );
      return error(base.forward(encoder.forward(x, { activation: 'tanh' })), y);
    });
    const [value] = await found.read();
    found.dispose();
    return value!;
  }
}

function error(a: Tensor, b: Tensor): Tensor {
  return mean(square(sub(a, b)));
}
