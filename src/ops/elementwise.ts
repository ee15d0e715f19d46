/** The operations that treat each element by itself. */
export * from './binary.js';
export * from './cast.js';
export * from './fill.js';
export * from './unary.js';
export * from './where.js';
