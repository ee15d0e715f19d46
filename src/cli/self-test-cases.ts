import type { StoredCase } from './self-test.js';

export const selfTestCases: readonly StoredCase[] = [];
