import { InvalidArgumentError } from 'commander';

/** A whole number of at least that. */
export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`);
    }
    return value;
  };
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

export function notNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It must be a number of at least 0.');
  }
  return value;
}

/** The name of a file to draw into. */
export function picture(path: string): string {
  if (!/\.(svg|html?)$/i.test(path)) throw new InvalidArgumentError('Its name must end in .svg or .html.');
  return path;
}

/** The name of a page to write. */
export function page(path: string): string {
  if (!/\.html?$/i.test(path)) throw new InvalidArgumentError('Its name must end in .html.');
  return path;
}
