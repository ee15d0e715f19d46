import { matmulCases } from '../cases/matmul.js';
import { testOperation } from '../support/operation.js';

await testOperation(matmulCases);
