import { mixBits } from '../host-random.js';
import { checkFrameShape, type FrameShape, LUMA } from '../video/frame.js';
import { ease } from './ease.js';
import type { Limb } from './figure.js';
import { ASPECT, LARGEST_PAN } from './picture.js';
import type { Colour, Drift, Scene } from './scene.js';

/** How much of the wall's colour the far limbs take on. */
const FADING = 0.3;
/** Standard deviation of the sum of four random bytes, and its mean. */
const BYTES_DEVIATION = Math.sqrt((4 * (256 ** 2 - 1)) / 12);
const BYTES_MEAN = 2 * 255;

/**
 * Draws the frames of one scene at one size. Whatever the size, a frame shows the same: pixels of other than
 * square proportions squeeze the picture.
 */
export class Renderer {
  readonly #scene: Scene;
  readonly #shape: FrameShape;
  /** Height and width of a pixel, in heights of the picture. */
  readonly #pixel: readonly [height: number, width: number];
  /** Rows and columns by which the background is larger than a frame, on each side. */
  readonly #margin: readonly [rows: number, columns: number];
  readonly #background: Float32Array;
  readonly #canvas: Float32Array;

  /** @throws OptionError where a frame cannot have that shape */
  constructor(scene: Scene, shape: FrameShape) {
    checkFrameShape(shape);
    this.#scene = scene;
    this.#shape = shape;
    this.#pixel = [1 / shape.height, ASPECT / shape.width];
    this.#margin = [1 + Math.ceil(LARGEST_PAN / this.#pixel[0]), 1 + Math.ceil(LARGEST_PAN / this.#pixel[1])];
    this.#background = this.#paintBackground();
    this.#canvas = new Float32Array(shape.width * shape.height * shape.channels);
  }

  /**
   * The scene with a figure in it at a time in seconds, which decides the light, the noise, and where the
   * camera looks.
   */
  draw(limbs: readonly Limb[], seconds: number): Uint8Array {
    const { pan, tilt } = this.#scene;
    const [x, y] = [driftAt(pan, seconds), driftAt(tilt, seconds)];
    this.#placeBackground(x, y);
    for (const limb of limbs) this.#paintLimb(limb, x, y);
    return this.#expose(seconds);
  }

  /** A colour in the channels of the frame. */
  #channelsOf(colour: Colour): readonly number[] {
    if (this.#shape.channels === 3) return colour;
    return [LUMA[0] * colour[0] + LUMA[1] * colour[1] + LUMA[2] * colour[2]];
  }

  #paintBackground(): Float32Array {
    const { wall, floor, horizon, patches, texture, grain } = this.#scene;
    const { width, height, channels } = this.#shape;
    const [pixelHeight, pixelWidth] = this.#pixel;
    const [marginRows, marginColumns] = this.#margin;
    const rows = height + 2 * marginRows;
    const columns = width + 2 * marginColumns;
    const plane = new Float32Array(rows * columns * channels);
    const layers = [
      { left: -1, right: ASPECT + 1, top: horizon, bottom: 2, colour: floor },
      ...patches.map((patch) => ({ ...patch, bottom: Math.min(patch.bottom, horizon) })),
    ].map((layer) => ({ ...layer, colour: this.#channelsOf(layer.colour) }));
    const base = this.#channelsOf(wall);
    for (let row = 0; row < rows; row++) {
      const top = (row - marginRows) * pixelHeight;
      for (let column = 0; column < columns; column++) {
        const left = (column - marginColumns) * pixelWidth;
        const middle = [left + pixelWidth / 2, top + pixelHeight / 2] as const;
        const bumps =
          valueNoise(middle[0] / 0.3, middle[1] / 0.3, grain) +
          0.5 * valueNoise(middle[0] / 0.09, middle[1] / 0.09, grain + 1);
        const at = (row * columns + column) * channels;
        for (let channel = 0; channel < channels; channel++) {
          let value = base[channel]!;
          for (const layer of layers) {
            const covered =
              overlap(left, pixelWidth, layer.left, layer.right) *
              overlap(top, pixelHeight, layer.top, layer.bottom);
            value += covered * (layer.colour[channel]! - value);
          }
          plane[at + channel] = value + texture * bumps;
        }
      }
    }
    return plane;
  }

  /** Copies the part of the background that the camera sees; between pixels, linearly. */
  #placeBackground(x: number, y: number): void {
    const { width, height, channels } = this.#shape;
    const [marginRows, marginColumns] = this.#margin;
    const stride = (width + 2 * marginColumns) * channels;
    const downwards = marginRows + y / this.#pixel[0];
    const rightwards = marginColumns + x / this.#pixel[1];
    const firstRow = Math.floor(downwards);
    const firstColumn = Math.floor(rightwards);
    const low = downwards - firstRow;
    const right = rightwards - firstColumn;
    const weights = [(1 - low) * (1 - right), (1 - low) * right, low * (1 - right), low * right] as const;
    const [background, canvas] = [this.#background, this.#canvas];
    const length = width * channels;
    for (let row = 0; row < height; row++) {
      const from = (firstRow + row) * stride + firstColumn * channels;
      const to = row * length;
      for (let i = 0; i < length; i++) {
        const at = from + i;
        canvas[to + i] =
          weights[0] * background[at]! +
          weights[1] * background[at + channels]! +
          weights[2] * background[at + stride]! +
          weights[3] * background[at + stride + channels]!;
      }
    }
  }

  /** Covers each pixel as far as the limb crosses it, seen along the shortest way to the limb's middle line. */
  #paintLimb(limb: Limb, cameraX: number, cameraY: number): void {
    const { radius, far } = limb;
    const { width, height, channels } = this.#shape;
    const [pixelHeight, pixelWidth] = this.#pixel;
    const canvas = this.#canvas;
    const body = this.#channelsOf(this.#scene.colours[limb.part]);
    const wall = this.#channelsOf(this.#scene.wall);
    const colour = far ? body.map((value, i) => value + FADING * (wall[i]! - value)) : body;
    const [x1, y1] = [limb.x1 - cameraX, limb.y1 - cameraY];
    const [x2, y2] = [limb.x2 - cameraX, limb.y2 - cameraY];
    const [along, down] = [x2 - x1, y2 - y1];
    const squared = along * along + down * down;
    const span = (low: number, high: number, pixel: number, count: number) => [
      Math.max(0, Math.floor((low - radius) / pixel - 0.5)),
      Math.min(count - 1, Math.ceil((high + radius) / pixel - 0.5)),
    ];
    const [top, bottom] = span(Math.min(y1, y2), Math.max(y1, y2), pixelHeight, height);
    const [left, right] = span(Math.min(x1, x2), Math.max(x1, x2), pixelWidth, width);
    for (let row = top!; row <= bottom!; row++) {
      const y = (row + 0.5) * pixelHeight;
      for (let column = left!; column <= right!; column++) {
        const x = (column + 0.5) * pixelWidth;
        const share = squared > 0 ? ((x - x1) * along + (y - y1) * down) / squared : 0;
        const nearest = Math.min(1, Math.max(0, share));
        const dx = x - x1 - nearest * along;
        const dy = y - y1 - nearest * down;
        const distance = Math.sqrt(dx * dx + dy * dy);
        // How wide the pixel is in that direction.
        const extent =
          distance > 0
            ? (Math.abs(dx) * pixelWidth + Math.abs(dy) * pixelHeight) / distance
            : Math.min(pixelWidth, pixelHeight);
        const covered = overlap(distance - extent / 2, extent, -radius, radius);
        if (covered === 0) continue;
        const at = (row * width + column) * channels;
        for (let channel = 0; channel < channels; channel++) {
          canvas[at + channel]! += covered * (colour[channel]! - canvas[at + channel]!);
        }
      }
    }
  }

  /** Applies light and noise, and rounds. */
  #expose(seconds: number): Uint8Array {
    const { light, noise, grain } = this.#scene;
    const { channels } = this.#shape;
    const canvas = this.#canvas;
    const pixels = new Uint8ClampedArray(canvas.length);
    const gain = 1 + driftAt(light, seconds);
    const scale = noise / BYTES_DEVIATION;
    // One frame's noise is not another's: the state starts from the time. It must not be 0.
    let state = mixBits(grain ^ mixBits(Math.round(seconds * 1000))) || 1;
    for (let at = 0; at < pixels.length; at += channels) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const bytes = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24);
      const error = scale * (bytes - BYTES_MEAN);
      for (let i = at; i < at + channels; i++) pixels[i] = gain * canvas[i]! + error;
    }
    return new Uint8Array(pixels.buffer);
  }
}

const driftAt = ({ amount, period, phase }: Drift, seconds: number): number =>
  amount * Math.sin(2 * Math.PI * (seconds / period + phase));

/** How much of [start, start + length] lies in [low, high], as a share. */
const overlap = (start: number, length: number, low: number, high: number): number =>
  Math.max(0, Math.min(start + length, high) - Math.max(start, low)) / length;

/** Smooth random values in [-1, 1]: one a lattice point, between them a blend (Perlin's value noise). */
function valueNoise(x: number, y: number, seed: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [ease(x - column), ease(y - row)];
  const corner = (dx: number, dy: number) =>
    mixBits(seed ^ mixBits(Math.imul(column + dx, 0x1f1f1f1f) ^ (row + dy))) / 2 ** 31 - 1;
  const upper = corner(0, 0) + u * (corner(1, 0) - corner(0, 0));
  const lower = corner(0, 1) + u * (corner(1, 1) - corner(0, 1));
  return upper + v * (lower - upper);
}
