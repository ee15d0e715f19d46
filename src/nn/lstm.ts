import { checkFields, flag, integer, listOf, optional } from '../arguments.js';
import { ShapeError } from '../errors.js';
import { lstm } from '../ops/recurrent/lstm.js';
import type { LstmWeights } from '../ops/recurrent/lstm-operands.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, checkTensor, type Tensor } from '../tensor/tensor.js';
import { uniformFanIn } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Module, type Parameter } from './module.js';

export interface LstmOptions {
  /** Layers, each reading the outputs of the one before. Default 1. */
  readonly layers?: number;
  /** Also read the sequence backwards. Default false. */
  readonly bidirectional?: boolean;
}

export interface LstmResult {
  /** (B, T, D · hidden): the outputs of the last layer. */
  readonly output: Tensor;
  /** For each layer (2, B, D, hidden) f32: h and c after each row's last valid step. */
  readonly states: readonly Tensor[];
}

type Weights = { readonly [Name in keyof LstmWeights]: Parameter };

/** Layers of long short-term memory, with the semantics and the names of PyTorch's `nn.LSTM` (batch first). */
export class Lstm extends Module {
  readonly #layers: readonly { readonly forward: Weights; readonly reverse: Weights | undefined }[];

  /** @throws OptionError */
  constructor(runtime: Runtime, inputs: number, hidden: number, options: LstmOptions = {}) {
    checkLayer('Lstm', runtime, { inputs, hidden });
    checkFields('Lstm', options, { layers: optional(integer(1)), bidirectional: optional(flag) });
    super(runtime);
    const { layers = 1, bidirectional = false } = options;
    const initial = uniformFanIn(hidden);
    const outputs = bidirectional ? 2 * hidden : hidden;
    this.#layers = Array.from({ length: layers }, (_, layer) => {
      const weights = (suffix: string): Weights => ({
        weightIh: this.parameter(
          `weight_ih_${suffix}`,
          [4 * hidden, layer === 0 ? inputs : outputs],
          initial,
        ),
        weightHh: this.parameter(`weight_hh_${suffix}`, [4 * hidden, hidden], initial),
        biasIh: this.parameter(`bias_ih_${suffix}`, [4 * hidden], initial),
        biasHh: this.parameter(`bias_hh_${suffix}`, [4 * hidden], initial),
      });
      return {
        forward: weights(`l${layer}`),
        reverse: bidirectional ? weights(`l${layer}_reverse`) : undefined,
      };
    });
  }

  /**
   * @param input (B, T, inputs)
   * @param options `lengths` (B) u32, the valid steps of each row (a packed sequence; all T when absent); `states`,
   *   those of an earlier call, to go on from (zeros when absent)
   * @throws ShapeError, DtypeError
   */
  forward(
    input: Tensor,
    options: { readonly lengths?: Tensor; readonly states?: readonly Tensor[] } = {},
  ): LstmResult {
    checkTensor('lstm', 'input', input);
    checkFields('lstm', options, { lengths: optional(anyTensor), states: optional(listOf(anyTensor)) });
    const { lengths, states } = options;
    if (states && states.length !== this.#layers.length) {
      throw new ShapeError(`lstm: ${states.length} states for an LSTM of ${this.#layers.length} layers`);
    }
    return this.runtime.scope(() => {
      let output = input;
      const last = this.#layers.map(({ forward, reverse }, layer) => {
        const run = lstm({
          input: output,
          forward: tensorsOf(forward),
          reverse: reverse && tensorsOf(reverse),
          lengths,
          state: states?.[layer],
        });
        output = run.output;
        return run.state;
      });
      return { output, states: last };
    });
  }
}

function tensorsOf({ weightIh, weightHh, biasIh, biasHh }: Weights): LstmWeights {
  return {
    weightIh: weightIh.tensor,
    weightHh: weightHh.tensor,
    biasIh: biasIh.tensor,
    biasHh: biasHh.tensor,
  };
}
