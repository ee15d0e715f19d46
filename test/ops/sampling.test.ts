import { commitTokensCases, remaskTokensCases, tokenCandidatesCases } from '../cases/sampling.js';
import { testOperation } from '../support/operation.js';

await testOperation(tokenCandidatesCases);
await testOperation(commitTokensCases);
await testOperation(remaskTokensCases);
