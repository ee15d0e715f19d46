import { mergeMapsCases } from '../../cases/merge-maps.js';
import { testOperation } from '../support/operation.js';

await testOperation(mergeMapsCases);
