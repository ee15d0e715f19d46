/** Everything that the package exports, of all entry points: `unit/public-types.test.ts` holds that none is missing. */
export * from '../../src/data/index.js';
export * from '../../src/datasets/index.js';
export * from '../../src/diffusion/index.js';
export * from '../../src/evaluation/index.js';
export * from '../../src/index.js';
export * from '../../src/models/grounding/index.js';
export * from '../../src/models/map-diffusion/index.js';
export * from '../../src/models/mdvlm/index.js';
export * from '../../src/models/wtal/index.js';
export * from '../../src/nn/index.js';
export * from '../../src/ops/index.js';
export * from '../../src/training/index.js';
