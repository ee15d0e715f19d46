import { InvalidArgumentError, Option } from 'commander';
import type { Crop } from '../../data/formats/features.js';
import { evenlySpaced } from '../../evaluation/average-precision.js';
import { weightStorages } from '../../nn/weight-storage.js';
import { isStreamName } from '../shared/outputs.js';

/** An integer of at least `least`, and at most `most` where that is given. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least || value > most) {
      const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
      throw new InvalidArgumentError(`It must be an integer ${range}.`);
    }
    return value;
  };
}

/** A decimal number, as in 3, .5 or 1e-4; NaN for all else: `Number` reads '' as 0, and hexadecimal and binary digits. */
function decimal(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

export function positive(text: string): number {
  const value = decimal(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

export function notNegative(text: string): number {
  const value = decimal(text);
  if (!(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It must be a number of at least 0.');
  }
  return value;
}

/** A number from 0 to 1. */
export function share(text: string): number {
  const value = notNegative(text);
  if (value > 1) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** The numbers of `first:step:last`. */
export function thresholds(text: string): readonly number[] {
  const [first, step, last, ...rest] = text
    .split(':')
    .map((part) => (part.trim() === '' ? NaN : Number(part)));
  const steps = (last! - first!) / step!;
  const valid = rest.length === 0 && first! > 0 && last! <= 1 && step! >= 0.01 && steps >= 0;
  if (!valid || Math.abs(steps - Math.round(steps)) > 1e-6) {
    throw new InvalidArgumentError(
      'It must be first:step:last within (0, 1], whole steps of at least 0.01, such as 0.3:0.1:0.7.',
    );
  }
  return evenlySpaced(first!, last!, Math.round(steps) + 1);
}

/** Ids of tokens and ranges of them, `5,126084-126183`. */
export function idList(text: string): number[] {
  return text.split(',').flatMap((piece) => {
    const [, first, last = first] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(piece) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (first === undefined || count < 1) {
      throw new InvalidArgumentError('It must be ids and ranges of ids, such as 5,126084-126183.');
    }
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
}

/** What is taken of ten-crop features. */
export function crop(text: string): Crop {
  if (text === 'mean') return text;
  if (!/^[0-9]$/.test(text)) throw new InvalidArgumentError('It must be mean or a whole number from 0 to 9.');
  return Number(text);
}

/** The name of a file to draw into; standard output, a FIFO or a device gets SVG. */
export function picture(path: string): string {
  if (!isStreamName(path) && !/\.(svg|html?)$/i.test(path))
    throw new InvalidArgumentError('Its name must end in .svg or .html.');
  return path;
}

/** The name of a page to write, or standard output, a FIFO or a device. */
export function page(path: string): string {
  if (!isStreamName(path) && !/\.html?$/i.test(path))
    throw new InvalidArgumentError('Its name must end in .html.');
  return path;
}

/** How a model is kept on the device; f32 where it is not given. */
export const weightsOption = (): Option =>
  new Option(
    '--weights <type>',
    'how the device stores matrices; int8 and int4 are quantised; default: f32',
  ).choices(weightStorages);

/** An option that may be given several times. */
export function repeated(text: string, before: readonly string[]): string[] {
  return [...before, text];
}
