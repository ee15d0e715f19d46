import { adamwStepCases, clipFactorCases, sgdStepCases, squaredPartsCases } from '../../cases/optim.js';
import { testOperation } from '../support/operation.js';

await testOperation(adamwStepCases);
await testOperation(sgdStepCases);
await testOperation(squaredPartsCases);
await testOperation(clipFactorCases);
