import { iouMapCases } from '../../cases/iou-map.js';
import { testOperation } from '../support/operation.js';

await testOperation(iouMapCases);
