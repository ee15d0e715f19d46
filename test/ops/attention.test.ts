import { attentionCases } from '../cases/attention.js';
import { testOperation } from '../support/operation.js';

await testOperation(attentionCases);
