import { integer, listOf, type Rule, type Rules } from '../arguments.js';

/** Rules of options that several operations have. */

/** Shapes, axes, places: what they may be is checked against the tensor. */
export const integers: Rule<readonly number[]> = listOf(integer(), 'a list of integers');

/** Longest side of a picture: twice the product of an old and a new side must fit into 31 bits. */
export const largestSide = 32_767;

/** Height and width of what a picture is resized to. */
export const sideRules = { height: integer(1, largestSide), width: integer(1, largestSide) };

export interface AxisOptions {
  /** Negative from the end. */
  readonly axis: number;
}

export const axisRules: Rules<AxisOptions> = { axis: integer() };
