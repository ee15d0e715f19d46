import { decodeMomentsCases } from '../../cases/decode-moments.js';
import { testOperation } from '../support/operation.js';

await testOperation(decodeMomentsCases);
