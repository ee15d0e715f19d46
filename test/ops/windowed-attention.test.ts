import { windowedAttentionCases, windowedAttentionGradientCases } from '../../cases/windowed-attention.js';
import { testOperation } from '../support/operation.js';

await testOperation(windowedAttentionCases);
await testOperation(windowedAttentionGradientCases);
