/** Layers with parameters: `tal-webgpu/nn`. */

export { Conv1d, Conv2d, type ConvLayerOptions } from './conv.js';
export { type Drop, Dropout, DropPath } from './dropout.js';
export { Embedding } from './embedding.js';
export { FeedForward, type FeedForwardOptions, type LayerActivation } from './feed-forward.js';
export { GatedConv2d, type GateNames } from './gated-conv.js';
export {
  constantInitial,
  type Initial,
  kaimingUniform,
  normalInitial,
  uniformFanIn,
  uniformWithin,
} from './initial.js';
export { Linear, type LinearLayer, type LinearOptions } from './linear.js';
export type { LoadOptions, ModelFolderOptions } from './load-weights.js';
export { type LinearForwardOptions, LoraAdapter, LoraLinear, type LoraOptions } from './lora.js';
export { type LoraFolder, openLora, saveLora } from './lora-folder.js';
export { Lstm, type LstmOptions, type LstmResult } from './lstm.js';
export { Mlp, type MlpOptions } from './mlp.js';
export { Module, Parameter } from './module.js';
export {
  type AttentionInputs,
  type AttentionNames,
  type AttentionWeights,
  type AttentionWeightsOptions,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
} from './multi-head-attention.js';
export {
  type AffineNorm,
  type BatchNorm,
  BatchNorm1d,
  BatchNorm2d,
  GroupNorm,
  LayerNorm,
  type NormLayerOptions,
  RmsNorm,
  type Style,
} from './norm.js';
export { PRelu } from './prelu.js';
export { QuantizedLinear, type QuantizedLinearLayerOptions } from './quantized-linear.js';
export { QuantizedParameter } from './quantized-parameter.js';
export type { RandomStream } from './random-stream.js';
export { saveModel, saveWeights } from './save-model.js';
export { SinePositions } from './sine-positions.js';
export type { StoredWeight, WeightDtype } from './stored-weight.js';
export {
  TransformerBlock,
  type TransformerBlockOptions,
  type TransformerInputs,
  type TransformerNames,
} from './transformer.js';
export { type WeightStorage, weightStorages } from './weight-storage.js';
