import assert from 'node:assert/strict';
import { inflateSync } from 'node:zlib';

/** Reads a PNG file of 8 bits a channel with any of the filters that need no prediction of three neighbours. */
export function decodePng(file: Uint8Array): {
  width: number;
  height: number;
  channels: number;
  pixels: Uint8Array;
} {
  const bytes = Buffer.from(file);
  assert.equal(bytes.toString('latin1', 0, 8), '\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    chunks.set(bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length));
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8 + length)));
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR')!;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  assert.equal(header[8], 8);
  const channels = { 0: 1, 2: 3 }[header[9]!]!;
  const stride = width * channels;
  const rows = inflateSync(chunks.get('IDAT')!);
  assert.equal(rows.length, height * (stride + 1));
  const pixels = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)]!;
    assert.ok(filter <= 2);
    for (let i = 0; i < stride; i++) {
      const left = filter === 1 && i >= channels ? pixels[y * stride + i - channels]! : 0;
      const above = filter === 2 && y > 0 ? pixels[(y - 1) * stride + i]! : 0;
      pixels[y * stride + i] = rows[y * (stride + 1) + 1 + i]! + left + above;
    }
  }
  return { width, height, channels, pixels };
}

/** CRC-32 as the polynomial division that defines it: bit after bit, without a reflected register. */
function crc32(bytes: Uint8Array): number {
  const reflect = (word: number, bits: number) => {
    let result = 0;
    for (let i = 0; i < bits; i++) result = (result << 1) | ((word >>> i) & 1);
    return result >>> 0;
  };
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= reflect(byte, 8) << 24;
    for (let bit = 0; bit < 8; bit++) {
      register = register & 0x80000000 ? (register << 1) ^ 0x04c11db7 : register << 1;
    }
  }
  return (reflect(register, 32) ^ 0xffffffff) >>> 0;
}
