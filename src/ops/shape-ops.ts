/** The operations that move elements and compute nothing. */
export * from './broadcast-to.js';
export * from './concat.js';
export * from './pad.js';
export * from './permute.js';
export * from './reverse-sequence.js';
export * from './slice.js';
