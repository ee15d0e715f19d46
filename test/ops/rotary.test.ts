import { rotaryCases } from '../cases/rotary.js';
import { testOperation } from '../support/operation.js';

await testOperation(rotaryCases);
