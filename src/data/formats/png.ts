import { zlibSync } from 'fflate';
import { OptionError } from '../../errors.js';
import type { FrameShape } from '../video/frame.js';
import { crc32 } from './crc32.js';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The format's numbers for the kinds of colour, by channels. */
const COLOUR_TYPE = { 1: 0, 3: 2 } as const;

/**
 * A picture as a PNG file of 8 bits a channel (W3C PNG, third edition).
 * @param pixels `height` x `width` x `channels` bytes
 * @throws OptionError where there are more or fewer
 */
export function encodePng(pixels: Uint8Array, { width, height, channels }: FrameShape): Uint8Array {
  const stride = width * channels;
  if (pixels.length !== height * stride) {
    throw new OptionError(
      `${height} x ${width} x ${channels} pixels are ${height * stride} bytes, not ${pixels.length}`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR_TYPE[channels]], 8);
  // Each row begins with the number of its filter: 2 stores differences to the row above.
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1);
    rows[at] = 2;
    for (let i = 0; i < stride; i++) {
      const above = y > 0 ? pixels[(y - 1) * stride + i]! : 0;
      rows[at + 1 + i] = pixels[y * stride + i]! - above;
    }
  }
  const chunks = [
    new Uint8Array(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ];
  const file = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of chunks) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** Length, type, data, and the checksum of type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}
