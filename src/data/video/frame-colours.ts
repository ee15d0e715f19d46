/** Matrices by their names in WebCodecs: how much red and blue count in luma (ITU-T H.273, table 4). */
const LUMA_OF_RED_AND_BLUE: Readonly<Record<string, readonly [number, number]>> = {
  bt709: [0.2126, 0.0722],
  bt470bg: [0.299, 0.114],
  smpte170m: [0.299, 0.114],
  'bt2020-ncl': [0.2627, 0.0593],
  // What decoders say beside WebCodecs' own: names of FFmpeg. Constant luminance is taken as the other, as by swscale.
  smpte240m: [0.212, 0.087],
  bt2020nc: [0.2627, 0.0593],
  bt2020c: [0.2627, 0.0593],
  'bt2020-cl': [0.2627, 0.0593],
};

/** How the colours of a video are coded. */
export interface ColourCoding {
  /** One of WebCodecs' `VideoMatrixCoefficients`, or FFmpeg's name of another; BT.601 where it is none, as in swscale. */
  readonly matrix?: string | null | undefined;
  /** Numbers use the whole range of their bits; default false. */
  readonly fullRange?: boolean | null | undefined;
}

/** Planes of a frame, as WebCodecs' `copyTo` gives them. */
export interface FramePlanes {
  /** One of WebCodecs' `VideoPixelFormat`. */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: readonly { readonly offset: number; readonly stride: number }[];
}

interface PlanarFormat {
  /** Chroma samples are one for so many luma samples, across and down. */
  readonly across: 1 | 2;
  readonly down: 1 | 2;
  readonly bits: number;
  /** Both chroma planes in one, in this order. */
  readonly interleaved?: 'uv' | 'vu';
}

function planarFormat(format: string): PlanarFormat | undefined {
  if (format === 'NV12' || format === 'NV21') {
    return { across: 2, down: 2, bits: 8, interleaved: format === 'NV12' ? 'uv' : 'vu' };
  }
  const [, chroma, bits = '8'] = /^I(420|422|444)A?(?:P(10|12))?$/.exec(format) ?? [];
  if (chroma === undefined) return undefined;
  return { across: chroma === '444' ? 1 : 2, down: chroma === '420' ? 2 : 1, bits: Number(bits) };
}

/** Whether `planesToRgba` takes planes of that format and matrix. */
export function convertible(format: string | null, matrix: ColourCoding['matrix']): boolean {
  const planar = format === null ? undefined : planarFormat(format);
  return planar !== undefined && (matrix !== 'rgb' || (planar.across === 1 && !planar.interleaved));
}

/**
 * Red, green, blue and alpha from luma and chroma, or from planes of green, blue and red (ITU-T H.273, 8.3). Each chroma
 * sample stands for all the luma samples that share it, as in FFmpeg's swscale. Alpha is left out: pixels are opaque.
 * Primaries and transfer function stay those of the video.
 * @param planes of a format that is `convertible`
 * @returns `height` x `width` x 4 bytes
 */
export function planesToRgba(
  { format, width, height, bytes, layout }: FramePlanes,
  coding: ColourCoding,
): Uint8Array<ArrayBuffer> {
  const { across, down, bits, interleaved } = planarFormat(format)!;
  const samples = bits === 8 ? bytes : new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const unit = samples.BYTES_PER_ELEMENT;
  const [luma, first, second] = layout.map((plane) => ({
    offset: plane.offset / unit,
    stride: plane.stride / unit,
  })) as [Plane, Plane, Plane | undefined];
  const step = interleaved ? 2 : 1;
  const apart = second && !interleaved ? second.offset - first.offset : 1;
  const [uOffset, vOffset] =
    interleaved === 'vu' ? [first.offset + 1, first.offset] : [first.offset, first.offset + apart];
  // Decoders may round the sizes of chroma planes down: then the last row and column are missing.
  const lastColumn = Math.floor(first.stride / step) - 1;
  const lastRow = Math.floor((interleaved ? samples.length - first.offset : apart) / first.stride) - 1;
  const [[ry, ru, rv, r], [gy, gu, gv, g], [by, bu, bv, b]] = toRgb(bits, coding);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, to = 0; y < height; y++) {
    const row = luma.offset + y * luma.stride;
    const chromaRow = Math.min(down === 2 ? y >> 1 : y, lastRow) * first.stride;
    for (let x = 0; x < width; x++, to += 4) {
      const chroma = chromaRow + Math.min(across === 2 ? x >> 1 : x, lastColumn) * step;
      const light = samples[row + x]!;
      const u = samples[uOffset + chroma]!;
      const v = samples[vOffset + chroma]!;
      rgba[to] = ry * light + ru * u + rv * v + r;
      rgba[to + 1] = gy * light + gu * u + gv * v + g;
      rgba[to + 2] = by * light + bu * u + bv * v + b;
      rgba[to + 3] = 255;
    }
  }
  return new Uint8Array(rgba.buffer);
}

interface Plane {
  readonly offset: number;
  readonly stride: number;
}

/** Factors of luma, of the two chroma samples and of 1, for red, green and blue from 0 to 255. */
type Row = readonly [luma: number, u: number, v: number, constant: number];

function toRgb(
  bits: number,
  { matrix, fullRange }: ColourCoding,
): readonly [red: Row, green: Row, blue: Row] {
  const most = 2 ** bits - 1;
  const byte = 2 ** (bits - 8);
  const [black, scale] = fullRange ? [0, 255 / most] : [16 * byte, 255 / (219 * byte)];
  const constant = -black * scale;
  if (matrix === 'rgb') {
    return [
      [0, 0, scale, constant],
      [scale, 0, 0, constant],
      [0, scale, 0, constant],
    ];
  }
  const [red, blue] = LUMA_OF_RED_AND_BLUE[matrix ?? ''] ?? LUMA_OF_RED_AND_BLUE.smpte170m!;
  const green = 1 - red - blue;
  const chroma = fullRange ? 255 / most : 255 / (224 * byte);
  const middle = 128 * byte;
  const row = (u: number, v: number): Row => [
    scale,
    u * chroma,
    v * chroma,
    constant - (u + v) * chroma * middle,
  ];
  const [u, v] = [2 * (1 - blue), 2 * (1 - red)];
  return [row(0, v), row((-u * blue) / green, (-v * red) / green), row(u, 0)];
}
