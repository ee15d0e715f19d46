import { ddimStepCases, qSampleCases, timeEmbeddingCases } from '../../cases/diffusion.js';
import { testOperation } from '../support/operation.js';

await testOperation(qSampleCases);
await testOperation(ddimStepCases);
await testOperation(timeEmbeddingCases);
