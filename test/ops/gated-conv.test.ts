import { gatedConv2dCases, gatedConv2dPartialCases } from '../cases/gated-conv.js';
import { testOperation } from '../support/operation.js';

await testOperation(gatedConv2dCases);
await testOperation(gatedConv2dPartialCases);
