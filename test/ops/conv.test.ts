import { conv2dCases } from '../cases/conv.js';
import { testOperation } from '../support/operation.js';

await testOperation(conv2dCases);
