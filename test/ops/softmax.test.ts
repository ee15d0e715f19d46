import { softmaxCases } from '../../cases/softmax.js';
import { testOperation } from '../support/operation.js';

await testOperation(softmaxCases);
