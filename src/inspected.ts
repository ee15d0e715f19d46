/** The method of this name gives what Node's `console.log` prints of an object; a page ignores it. */
export const inspected: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
