import { Random } from '../cases/support/random.js';
import { Embedding } from '../src/nn/embedding.js';
import { Linear } from '../src/nn/linear.js';
import { Module } from '../src/nn/module.js';
import { RmsNorm } from '../src/nn/norm.js';
import { add, mul } from '../src/ops/array/binary.js';
import { permute } from '../src/ops/array/permute.js';
import { attention } from '../src/ops/attention/attention.js';
import { rotary, rotaryTable } from '../src/ops/attention/rotary.js';
import type { Runtime } from '../src/tensor/runtime.js';
import type { Tensor } from '../src/tensor/tensor.js';

/** The tiny configuration: three layers of LLaDA's form, 96 wide. */
export const tiny = { layers: 3, width: 96, heads: 4, hidden: 256, vocabulary: 512, length: 96, answer: 32 };

const headSize = tiny.width / tiny.heads;

/** RMSNorm, bidirectional attention with rotary positions, RMSNorm, SwiGLU; no bias. */
class Block extends Module {
  readonly #norms;
  readonly #projections;
  readonly #out;
  readonly #gate;
  readonly #up;
  readonly #down;

  constructor(
    runtime: Runtime,
    readonly table: Tensor,
  ) {
    super(runtime);
    const { width, hidden } = tiny;
    const linear = (name: string, inputs: number, outputs: number) =>
      this.child(name, new Linear(runtime, inputs, outputs, { bias: false }));
    this.#norms = ['attn_norm', 'ff_norm'].map((name) => this.child(name, new RmsNorm(runtime, width)));
    this.#projections = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(name, width, width));
    this.#out = linear('attn_out', width, width);
    this.#gate = linear('ff_proj', width, hidden);
    this.#up = linear('up_proj', width, hidden);
    this.#down = linear('ff_out', hidden, width);
  }

  forward(x: Tensor): Tensor {
    const [before, after] = this.#norms;
    const normed = before!.forward(x);
    const [query, key, value] = this.#projections.map((projection) => heads(projection.forward(normed)));
    const { output } = attention({
      query: rotary({ x: query!, table: this.table }),
      key: rotary({ x: key!, table: this.table }),
      value: value!,
    });
    const attended = add(x, this.#out.forward(permute(output, [0, 2, 1, 3]).reshape(x.shape)));
    const wide = after!.forward(attended);
    const gated = mul(this.#gate.forward(wide, { activation: 'silu' }), this.#up.forward(wide));
    return add(attended, this.#down.forward(gated));
  }
}

function heads(x: Tensor): Tensor {
  const [batch, length] = x.shape;
  return permute(x.reshape([batch!, length!, tiny.heads, headSize]), [0, 2, 1, 3]);
}

/** A masked diffusion language model of the tiny configuration with random weights. */
export class TinyModel extends Module {
  readonly #embedding;
  readonly #blocks;
  readonly #norm;
  readonly #head;

  constructor(runtime: Runtime) {
    super(runtime);
    const { layers, width, vocabulary, length } = tiny;
    const table = rotaryTable(runtime, length, headSize);
    this.#embedding = this.child('wte', new Embedding(runtime, vocabulary, width));
    this.#blocks = Array.from({ length: layers }, (_, i) =>
      this.child(`blocks.${i}`, new Block(runtime, table)),
    );
    this.#norm = this.child('ln_f', new RmsNorm(runtime, width));
    this.#head = this.child('ff_out', new Linear(runtime, width, vocabulary, { bias: false }));
    const random = new Random(1);
    for (const [, parameter] of this.parameters()) {
      const size = parameter.shape.reduce((a, b) => a * b, 1);
      parameter.set(Float32Array.from({ length: size }, () => random.normal() / Math.sqrt(width)));
    }
  }

  /** Ids (B, L) to the logits (B, L, V). */
  forward(ids: Tensor): Tensor {
    let x = this.#embedding.forward(ids);
    for (const block of this.#blocks) x = block.forward(x);
    return this.#head.forward(this.#norm.forward(x));
  }
}
