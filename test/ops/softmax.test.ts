import { softmaxCases, softmaxGradientCases } from '../../cases/softmax.js';
import { testOperation } from '../support/operation.js';

await testOperation(softmaxCases);
await testOperation(softmaxGradientCases);
