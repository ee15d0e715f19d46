import type { AnyGradientRule } from '../gradient-rule.js';
import { alignmentRules } from './alignment.js';
import { attentionRules } from './attention.js';
import { convRules } from './conv.js';
import { diffusionRules } from './diffusion.js';
import { elementwiseRules } from './elementwise.js';
import { imageRules } from './image.js';
import { indexingRules } from './indexing.js';
import { layoutRules } from './layout.js';
import { matmulRules } from './matmul.js';
import { normRules } from './norm.js';
import { quantizedRules } from './quantized.js';
import { recurrentRules } from './recurrent.js';
import { reductionRules } from './reduction.js';
import { vocabularyRules } from './vocabulary.js';

/** The gradient rule of each operation that has one. Operations know nothing of this table. */
export const gradientRules: ReadonlyMap<object, AnyGradientRule> = new Map([
  ...elementwiseRules,
  ...reductionRules,
  ...layoutRules,
  ...indexingRules,
  ...matmulRules,
  ...quantizedRules,
  ...convRules,
  ...attentionRules,
  ...alignmentRules,
  ...normRules,
  ...recurrentRules,
  ...imageRules,
  ...vocabularyRules,
  ...diffusionRules,
]);
