import { either, integer, oneOf, optional, pairOf, type Rule, type Rules } from '../../arguments.js';
import { OptionError, ShapeError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import { type Shape, shapeText } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { spread } from '../grid.js';
import { splitDepth } from '../split-depth.js';

/** A number for both axes, or one for each: [vertical, horizontal]. */
export type PerAxis = number | readonly [number, number];

/** Sizes of a convolution of (B, C, H, W) to (B, O, OH, OW); pairs are [vertical, horizontal]. */
export interface ConvGeometry {
  readonly batches: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
}

/** How the windows of a convolution lie on its input. */
export interface WindowOptions {
  /** Default 1. */
  readonly stride?: PerAxis;
  /** Zeros on each side; `same` keeps the size at stride 1. Default 0. */
  readonly padding?: PerAxis | 'same';
  /** Default 1. */
  readonly dilation?: PerAxis;
}

function perAxisRule(least: number): Rule<PerAxis> {
  return either(integer(least), pairOf(integer(least)));
}

export const windowRules: Rules<WindowOptions> = {
  stride: optional(perAxisRule(1)),
  padding: optional(either(perAxisRule(0), oneOf('same'))),
  dilation: optional(perAxisRule(1)),
};

/**
 * The geometry of a convolution of `input` (B, C, H, W) with a weight of shape (O, any, KH, KW).
 * @throws ShapeError, OptionError
 */
export function convGeometry(input: Tensor, weight: Shape, options: WindowOptions): ConvGeometry {
  if (input.rank !== 4 || weight.length !== 4) {
    throw new ShapeError(`input ${input} and weight ${shapeText(weight)} must have four axes`);
  }
  const [batches, channels, height, width] = input.shape as [number, number, number, number];
  const [outChannels, , kernelHeight, kernelWidth] = weight as [number, number, number, number];
  const stride = perAxis(options.stride ?? 1);
  const dilation = perAxis(options.dilation ?? 1);
  const reach = [dilation[0] * (kernelHeight - 1), dilation[1] * (kernelWidth - 1)] as const;
  const padding = options.padding === 'same' ? samePadding(weight, reach) : perAxis(options.padding ?? 0);
  const outHeight = Math.floor((height + 2 * padding[0] - reach[0] - 1) / stride[0]) + 1;
  const outWidth = Math.floor((width + 2 * padding[1] - reach[1] - 1) / stride[1]) + 1;
  if (outHeight < 1 || outWidth < 1) {
    throw new ShapeError(
      `weight ${shapeText(weight)} with dilation ${dilation} does not fit into input ${input} with padding ${padding}`,
    );
  }
  return {
    batches,
    channels,
    height,
    width,
    outChannels,
    outHeight,
    outWidth,
    kernelHeight,
    kernelWidth,
    stride,
    padding,
    dilation,
  };
}

function perAxis(value: PerAxis): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

function samePadding(weight: Shape, reach: readonly [number, number]): readonly [number, number] {
  if (reach[0] % 2 !== 0 || reach[1] % 2 !== 0) {
    throw new OptionError(`padding 'same' needs an odd kernel, not ${shapeText(weight)}: give the padding`);
  }
  return [reach[0] / 2, reach[1] / 2];
}

/** Products in one output element. */
export function convDepth({ channels, kernelHeight, kernelWidth }: ConvGeometry): number {
  return channels * kernelHeight * kernelWidth;
}

export function convFlops(geometry: ConvGeometry): number {
  return 2 * outPixels(geometry) * geometry.outChannels * convDepth(geometry);
}

/** The parameters that all convolution kernels share. */
export function convParams(geometry: ConvGeometry) {
  return {
    pixels: outPixels(geometry),
    channels: geometry.channels,
    height: geometry.height,
    width: geometry.width,
    out_channels: geometry.outChannels,
    out_height: geometry.outHeight,
    out_width: geometry.outWidth,
    kernel_height: geometry.kernelHeight,
    kernel_width: geometry.kernelWidth,
    padding_y: geometry.padding[0],
    padding_x: geometry.padding[1],
  };
}

/** The same with those of windows that do not lie next to each other. */
export function windowParams(geometry: ConvGeometry) {
  return {
    ...convParams(geometry),
    stride_y: geometry.stride[0],
    stride_x: geometry.stride[1],
    dilation_y: geometry.dilation[0],
    dilation_x: geometry.dilation[1],
  };
}

function outPixels({ batches, outHeight, outWidth }: ConvGeometry): number {
  return batches * outHeight * outWidth;
}

/** Whether the tiled kernel gives the right answer: its quotients are exact below 2^20 (lib/quotient.wgsl). */
export function isConvTiledLegal(_: DeviceTraits, geometry: ConvGeometry): boolean {
  return convDepth(geometry) < 2 ** 20;
}

/** Whether the shuffle kernels do, which have the same quotients. */
export function isConvShuffleLegal(traits: DeviceTraits, geometry: ConvGeometry): boolean {
  return traits.subgroups && isConvTiledLegal(traits, geometry);
}

/** Size of the parts when `count` is cut into as few of about one size as there can be with `most` in each. */
export function evenParts(count: number, most: number): number {
  return Math.ceil(count / Math.ceil(count / most));
}

/** Heights of tiles that kernels are compiled for: each costs a second on a software driver, so they are few. */
const tileHeights = [1, 4, 8, 12, 16, 17];

/** Rows of each tile where so many output channels are cut into as few tiles as there can be; at most 17. */
export function tileRows(outChannels: number, most: number): number {
  const rows = evenParts(outChannels, most);
  return tileHeights.find((height) => height >= rows)!;
}

/** Constants and grid of a shuffle kernel of at most so many rows, and so many quads of pixels a lane. */
export function shuffleTile(
  { subgroupMaxSize }: DeviceTraits,
  geometry: ConvGeometry,
  most: { readonly rows: number; readonly quads: number },
) {
  const rows = tileRows(geometry.outChannels, most.rows);
  const rowTiles = Math.ceil(geometry.outChannels / rows);
  const pixelTiles = Math.ceil(outPixels(geometry) / (4 * most.quads * subgroupMaxSize));
  return {
    tile: { WORKGROUP: subgroupMaxSize, ROWS: rows, QUADS: most.quads },
    workgroups: spread(rowTiles * pixelTiles, 1),
  };
}

/** Taps of a line of the kernel that the strip kernel is compiled for at most: it writes them all out. */
const mostStripTaps = 9;

/** Whether the strip kernel gives the right answer. */
export function isConvStripLegal(
  { subgroups }: DeviceTraits,
  { stride, dilation, kernelWidth }: ConvGeometry,
): boolean {
  return subgroups && stride[1] === 1 && dilation[1] === 1 && kernelWidth <= mostStripTaps;
}

/**
 * Whether it is worth it (measured): taps share its loads, the strips are not mostly empty, and subgroups are large
 * enough for lines to slide from lane to lane (those of SwiftShader, of 4, are not).
 */
export function prefersConvStrip(
  { subgroupMinSize }: DeviceTraits,
  { kernelWidth, outWidth }: ConvGeometry,
): boolean {
  return subgroupMinSize >= 8 && kernelWidth > 1 && outWidth >= 4;
}

/** Rows (output channels) that the strip kernel is written out for: blocks, and at most so many in all (measured). */
const stripRows = { block: 4, most: 16 };

/** Constants and grid of the strip kernel. */
export function stripTile({ subgroupMinSize, subgroupMaxSize }: DeviceTraits, geometry: ConvGeometry) {
  const { batches, outChannels, outHeight, outWidth, kernelWidth } = geometry;
  const { block, most } = stripRows;
  const rows = block * Math.ceil(evenParts(outChannels, most) / block);
  const quads = outWidth > 4 ? 2 : 1;
  const strips = batches * outHeight * Math.ceil(outWidth / (4 * quads));
  return {
    tile: {
      WORKGROUP: subgroupMaxSize,
      LANES: Math.min(8, subgroupMinSize),
      ROWS: rows,
      QUADS: quads,
      TAPS: kernelWidth,
    },
    workgroups: spread(Math.ceil(outChannels / rows) * Math.ceil(strips / subgroupMaxSize), 1),
  };
}

/**
 * Sizes of lib/tile_product.wgsl, from the least output channels to the most: a tile that is higher does more
 * arithmetic for each value of the image, whose address is what costs most.
 */
const tiles = [
  { ROW_THREADS: 1, COLUMN_THREADS: 64, ROW_QUADS: 1, COLUMN_QUADS: 1, DEPTH: 8 },
  { ROW_THREADS: 4, COLUMN_THREADS: 16, ROW_QUADS: 2, COLUMN_QUADS: 1, DEPTH: 16 },
  { ROW_THREADS: 8, COLUMN_THREADS: 8, ROW_QUADS: 2, COLUMN_QUADS: 2, DEPTH: 16 },
  { ROW_THREADS: 16, COLUMN_THREADS: 8, ROW_QUADS: 2, COLUMN_QUADS: 2, DEPTH: 16 },
];

/** Constants of a tiled kernel for so many output channels, and the sides of its tiles. */
export function tiledTile(outChannels: number) {
  const rowsOf = (tile: (typeof tiles)[number]) => 4 * tile.ROW_THREADS * tile.ROW_QUADS;
  const tile = tiles.find((size) => rowsOf(size) >= outChannels) ?? tiles.at(-1)!;
  return { tile, rows: rowsOf(tile), columns: 4 * tile.COLUMN_THREADS * tile.COLUMN_QUADS };
}

/** Constants of the tiled kernel, the number of its tiles, and the parts that the depth is split into. */
export function tiledSplit(geometry: ConvGeometry) {
  const { tile, rows, columns } = tiledTile(geometry.outChannels);
  const count = Math.ceil(geometry.outChannels / rows) * Math.ceil(outPixels(geometry) / columns);
  return { tile, ...splitDepth(count, convDepth(geometry)), tiles: count };
}
