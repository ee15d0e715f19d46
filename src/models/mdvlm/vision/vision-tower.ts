import { checkArgument, checkArguments, checkFields } from '../../../arguments.js';
import { chain } from '../../../nn/chain.js';
import { normalInitial, uniformFanIn } from '../../../nn/initial.js';
import { Module } from '../../../nn/module.js';
import { TransformerBlock } from '../../../nn/transformer.js';
import type { WeightStorage } from '../../../nn/weight-storage.js';
import { add } from '../../../ops/array/binary.js';
import { permute } from '../../../ops/array/permute.js';
import { slice } from '../../../ops/array/slice.js';
import { linear } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import { anyTensor, expectShape, type Tensor } from '../../../tensor/tensor.js';
import {
  patchesAcross,
  type VisionConfig,
  type VisualOptions,
  visionRule,
  visualOptionRules,
  visualStorage,
} from './vision-config.js';

/** A convolution whose windows lie side by side, so that each is a row of a matrix, and a vector for each place. */
class Embeddings extends Module {
  readonly #weight;
  readonly #bias;
  readonly #positions;

  constructor(
    runtime: Runtime,
    readonly config: VisionConfig,
  ) {
    super(runtime);
    const { patch, width } = config;
    const initial = uniformFanIn(3 * patch ** 2);
    this.#weight = this.parameter('patch_embedding.weight', [width, 3, patch, patch], initial);
    this.#bias = this.parameter('patch_embedding.bias', [width], initial);
    this.#positions = this.parameter(
      'position_embedding.weight',
      [patchesAcross(config) ** 2, width],
      normalInitial(1 / Math.sqrt(width)),
    );
  }

  /** (F, 3, imageSize, imageSize) to (F, patches, width), row after row. */
  forward(pixels: Tensor): Tensor {
    return this.runtime.scope(() => {
      const { patch, imageSize, width } = this.config;
      const [frames] = pixels.shape as [number];
      const across = patchesAcross(this.config);
      const covered = across * patch;
      const inside =
        covered === imageSize
          ? pixels
          : slice(pixels, { starts: [0, 0, 0, 0], sizes: [frames, 3, covered, covered] });
      const grid = inside.reshape([frames, 3, across, patch, across, patch]);
      const patches = permute(grid, [0, 2, 4, 1, 3, 5]).reshape([frames, across ** 2, 3 * patch ** 2]);
      const embedded = linear({
        input: patches,
        weight: this.#weight.tensor.reshape([width, -1]),
        bias: this.#bias.tensor,
      });
      return add(embedded, this.#positions.tensor);
    });
  }
}

/** A layer of SigLIP 2's encoder, f32 (F, patches, width) to the same. */
function encoderLayer(
  runtime: Runtime,
  { width, heads, intermediate, epsilon }: VisionConfig,
  weights: WeightStorage,
): TransformerBlock {
  return new TransformerBlock(runtime, width, {
    ...{ heads, intermediate, weights, norm: 'pre', activation: 'gelu_tanh', eps: epsilon },
    names: {
      attention: 'self_attn',
      projections: { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'out_proj' },
      feedForward: ['mlp.fc1', 'mlp.fc2'],
      norms: ['layer_norm1', 'layer_norm2'],
    },
  });
}

/**
 * SigLIP 2's vision tower (Tschannen et al. 2025) as LLaDA-V reads it: what its last layer but `unusedLayers` gives,
 * before any closing norm. Names as in the released `vision_model.…`, without that. With f16 or quantised weights the
 * products of its layers are of f16 numbers and summed in f32; the embeddings of patches, what goes from layer to layer,
 * and the norms stay f32.
 */
export class VisionTower extends Module {
  readonly #embeddings: Embeddings;
  readonly #layers: readonly TransformerBlock[];

  constructor(
    runtime: Runtime,
    readonly config: VisionConfig,
    options: VisualOptions = {},
  ) {
    checkArguments('VisionTower', { runtime, config }, { runtime: anyRuntime, config: visionRule });
    checkFields('VisionTower', options, visualOptionRules);
    super(runtime);
    const { weights = 'f32' } = options;
    const { layers, unusedLayers } = config;
    const layer = () => encoderLayer(runtime, config, visualStorage(weights));
    this.#embeddings = this.child('embeddings', new Embeddings(runtime, config));
    this.#layers = Array.from({ length: layers }, (_, i) => this.child(`encoder.layers.${i}`, layer()));
    for (let i = layers; i < layers + unusedLayers; i++) {
      for (const [name] of layer().storedWeights(`encoder.layers.${i}.`)) this.unused(name);
    }
    for (const name of unusedHead) this.unused(name);
  }

  /**
   * @param pixels (F, 3, imageSize, imageSize), colours from −1 to 1
   * @returns f32 (F, patches, width), the patches row after row
   * @throws ShapeError
   */
  forward(pixels: Tensor): Tensor {
    checkArgument('VisionTower.forward', 'pixels', pixels, anyTensor);
    const { imageSize } = this.config;
    expectShape(pixels, 'pixels', [pixels.shape[0] ?? 0, 3, imageSize, imageSize]);
    return this.runtime.scope(() => {
      const embedded = this.#embeddings.forward(pixels);
      return chain(embedded, this.#layers, (x, layer) => layer.forward(x), { consume: true });
    });
  }
}

/** Weights of SigLIP 2 that make one vector of a picture. */
const unusedHead = [
  'post_layernorm.weight',
  'post_layernorm.bias',
  'head.probe',
  'head.attention.in_proj_weight',
  'head.attention.in_proj_bias',
  ...['attention.out_proj', 'layernorm', 'mlp.fc1', 'mlp.fc2'].flatMap((name) => [
    `head.${name}.weight`,
    `head.${name}.bias`,
  ]),
];
