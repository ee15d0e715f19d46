import { splitDepth } from './split-depth.js';

/** The sizes of lib/tile_product.wgsl. */
export interface Tile {
  readonly rowThreads: number;
  readonly columnThreads: number;
  /** Quads of rows, and of columns, of an invocation. */
  readonly quads: number;
  readonly depth: number;
}

/** The tiles that the kernels for GPUs are launched with. */
export const tiles = {
  tiled: { rowThreads: 16, columnThreads: 8, quads: 2, depth: 16 },
  'tiled-small': { rowThreads: 8, columnThreads: 8, quads: 1, depth: 32 },
} as const satisfies Record<string, Tile>;

export type TileName = keyof typeof tiles;

/** A larger tile does more arithmetic for each load, but there must be so many workgroups that a GPU is filled. */
const fillingWorkgroups = 256;

/** Tiles of a product of so many rows and columns. */
export function countTiles({ rowThreads, columnThreads, quads }: Tile, m: number, n: number): number {
  return Math.ceil(m / (4 * rowThreads * quads)) * Math.ceil(n / (4 * columnThreads * quads));
}

/** Whether a tile is the one for so many of it over a depth: the small one is for all that the large one is not. */
export function prefersTile(name: TileName, count: number, depth: number): boolean {
  return name === 'tiled-small' || count * splitDepth(count, depth).parts >= fillingWorkgroups;
}

/** The constants of lib/tile_product.wgsl. */
export function tileConstants({ rowThreads, columnThreads, quads, depth }: Tile) {
  return {
    ROW_THREADS: rowThreads,
    COLUMN_THREADS: columnThreads,
    ROW_QUADS: quads,
    COLUMN_QUADS: quads,
    DEPTH: depth,
  };
}
