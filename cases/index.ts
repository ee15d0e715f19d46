import { alignmentLogLikelihoodCases, alignmentPosteriorCases } from './alignment.js';
import { attentionCases } from './attention.js';
import { attentionGradientCases } from './attention-gradient.js';
import { batchNormGradientCases, channelMomentsGradientCases } from './batch-norm-gradient.js';
import { conv2dCases, conv2dWeightGradientCases } from './conv.js';
import { cumsumCases } from './cumsum.js';
import { decodeMomentsCases } from './decode-moments.js';
import { ddimStepCases, qSampleCases, timeEmbeddingCases } from './diffusion.js';
import {
  binaryCases,
  castCases,
  fillCases,
  unaryCases,
  unaryGradientCases,
  unpackHalvesCases,
  whereCases,
} from './elementwise.js';
import {
  gatedConv2dCases,
  gatedConv2dPartialCases,
  gateSumsCases,
  gateSumsGradientCases,
} from './gated-conv.js';
import { gatherCases, scatterAddCases, scatterCases } from './gather.js';
import { iouMapCases } from './iou-map.js';
import { linearAssignmentCases } from './linear-assignment.js';
import { lstmCases } from './lstm.js';
import { lstmGradientCases } from './lstm-gradient.js';
import { matmulCases } from './matmul.js';
import { mergeMapsCases } from './merge-maps.js';
import {
  batchNormCases,
  channelMomentsCases,
  groupNormCases,
  l2NormalizeCases,
  layerNormCases,
  rmsNormCases,
} from './norm.js';
import { normGradientCases } from './norm-gradient.js';
import { adamwStepCases, clipFactorCases, sgdStepCases, squaredPartsCases } from './optim.js';
import { resamplePixelsCases } from './pixels.js';
import {
  averagePoolCases,
  averagePoolGradientCases,
  maxPoolCases,
  maxPoolGradientCases,
  resizeBilinearCases,
  resizeBilinearGradientCases,
} from './pool.js';
import { dequantizeWeightCases, quantizedLinearCases, quantizeWeightCases } from './quantized.js';
import { randomCases } from './random.js';
import { maskedMeanCases, maskedMeanGradientCases, reduceCases } from './reduce.js';
import { rotaryCases } from './rotary.js';
import {
  commitTokensCases,
  remaskTokensCases,
  spanCandidatesCases,
  tokenCandidatesCases,
} from './sampling.js';
import {
  broadcastToCases,
  concatCases,
  padCases,
  permuteCases,
  placeCases,
  reverseSequenceCases,
  sliceCases,
} from './shape-ops.js';
import { softmaxCases, softmaxGradientCases } from './softmax.js';
import type { CaseTable } from './support/case-table.js';
import { argmaxCases, topKCases } from './topk.js';
import {
  linearCrossEntropyCases,
  linearCrossEntropyGradientCases,
  linearTokenCandidatesCases,
} from './vocabulary.js';
import { windowedAttentionCases, windowedAttentionGradientCases } from './windowed-attention.js';

/** A table of any operation. */
// biome-ignore lint/suspicious/noExplicitAny: each table has its own kind of size
export type AnyCaseTable = CaseTable<any>;

/** The cases of every operation. */
export const caseTables: readonly AnyCaseTable[] = [
  attentionCases,
  attentionGradientCases,
  conv2dCases,
  conv2dWeightGradientCases,
  decodeMomentsCases,
  linearAssignmentCases,
  alignmentLogLikelihoodCases,
  alignmentPosteriorCases,
  qSampleCases,
  cumsumCases,
  ddimStepCases,
  timeEmbeddingCases,
  unaryCases,
  unaryGradientCases,
  binaryCases,
  whereCases,
  castCases,
  fillCases,
  unpackHalvesCases,
  gatedConv2dCases,
  gatedConv2dPartialCases,
  gateSumsCases,
  gateSumsGradientCases,
  gatherCases,
  scatterCases,
  scatterAddCases,
  iouMapCases,
  lstmCases,
  lstmGradientCases,
  matmulCases,
  mergeMapsCases,
  layerNormCases,
  rmsNormCases,
  groupNormCases,
  l2NormalizeCases,
  channelMomentsCases,
  batchNormCases,
  normGradientCases,
  batchNormGradientCases,
  channelMomentsGradientCases,
  averagePoolCases,
  averagePoolGradientCases,
  maxPoolCases,
  maxPoolGradientCases,
  resizeBilinearCases,
  resizeBilinearGradientCases,
  resamplePixelsCases,
  quantizeWeightCases,
  dequantizeWeightCases,
  quantizedLinearCases,
  randomCases,
  reduceCases,
  maskedMeanCases,
  maskedMeanGradientCases,
  rotaryCases,
  tokenCandidatesCases,
  commitTokensCases,
  remaskTokensCases,
  spanCandidatesCases,
  permuteCases,
  sliceCases,
  placeCases,
  broadcastToCases,
  concatCases,
  padCases,
  reverseSequenceCases,
  softmaxCases,
  softmaxGradientCases,
  topKCases,
  argmaxCases,
  linearTokenCandidatesCases,
  linearCrossEntropyCases,
  linearCrossEntropyGradientCases,
  adamwStepCases,
  sgdStepCases,
  squaredPartsCases,
  clipFactorCases,
  windowedAttentionCases,
  windowedAttentionGradientCases,
];
