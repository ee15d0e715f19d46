import { checkArgument, checkArguments, integer, uint32 } from '../../../arguments.js';
import { HostRandom } from '../../../data/host-random.js';
import { seedWords } from '../../../ops/random/philox.js';
import { Random } from '../../../ops/random/random.js';
import { Owner } from '../../../tensor/owner.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { DiffusionBranch } from './diffusion-branch.js';
import type { DiffusionDraw } from './operands.js';

/** Far from the streams of other draws of the same seed. */
const stream = 2 ** 26;

/**
 * Draws of the training, functions of the seed and the step: one time and one kind of condition for all of a step (DiffAct), and
 * fresh noise. `prepare` writes them before a step; `draw` may be captured.
 */
export class DiffusionDraws extends Owner {
  readonly #t: Tensor;
  readonly #gate: Tensor;
  readonly #noise: Random;
  readonly #shape: readonly [number, number, number];

  /**
   * @param batch B
   * @param steps T
   * @throws OptionError
   */
  constructor(
    readonly branch: DiffusionBranch,
    batch: number,
    steps: number,
    readonly seed: number,
  ) {
    checkArguments(
      'DiffusionDraws',
      { batch, steps, seed },
      { batch: integer(1), steps: integer(1), seed: uint32 },
    );
    const { runtime } = branch;
    super(runtime);
    this.#shape = [batch, branch.maskChannels, steps];
    [this.#t, this.#gate, this.#noise] = this.own(() => [
      runtime.zeros([batch], 'u32'),
      runtime.zeros([batch, 3]),
      new Random(runtime, seed),
    ]);
  }

  /** Writes the draws of a step. @throws OptionError */
  prepare(step: number): void {
    checkArgument('DiffusionDraws.prepare', 'step', step, uint32);
    this.checkAlive();
    const random = new HostRandom(this.seed, stream + step);
    const time = random.integer(0, this.branch.times - 1);
    const { conditions } = this.branch.config;
    const kind = conditions[random.integer(0, conditions.length - 1)]!;
    const gate = (['full', 'action', 'action-topk'] as const).map((each) => Number(each === kind));
    const batch = this.#t.size;
    this.#t.write(new Uint32Array(batch).fill(time));
    this.#gate.write(Float32Array.from({ length: 3 * batch }, (_, i) => gate[i % 3]!));
    // Far apart in the stream: a step draws less than 2^32 blocks.
    this.#noise.state.write(Uint32Array.of(...seedWords(this.seed), 0, step));
  }

  draw(): DiffusionDraw {
    this.checkAlive();
    return { t: this.#t, gate: this.#gate, noise: this.#noise.normal(this.#shape) };
  }
}
