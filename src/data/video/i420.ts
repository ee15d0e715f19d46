import { LUMA } from './frame.js';

const [RED, GREEN, BLUE] = LUMA;

/**
 * Frames as video codecs take them: a plane of brightness, then two of colour at half the size, in the narrow
 * range of ITU-R BT.601 (16 to 235, and 16 to 240 around 128).
 * @param pixels `height` x `width` x 3 bytes; both sizes even
 */
export function rgbToI420(pixels: Uint8Array, width: number, height: number): Uint8Array {
  const area = width * height;
  const planes = new Uint8Array((area * 3) / 2);
  for (let i = 0; i < area; i++) {
    const luma = RED * pixels[3 * i]! + GREEN * pixels[3 * i + 1]! + BLUE * pixels[3 * i + 2]!;
    planes[i] = Math.round(16 + (219 / 255) * luma);
  }
  let at = area;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2, at++) {
      const [red, green, blue] = [0, 1, 2].map((channel) => {
        const corner = 3 * (y * width + x) + channel;
        const below = corner + 3 * width;
        return (pixels[corner]! + pixels[corner + 3]! + pixels[below]! + pixels[below + 3]!) / 4;
      }) as [number, number, number];
      const luma = RED * red + GREEN * green + BLUE * blue;
      planes[at] = Math.round(128 + (112 / 255) * ((blue - luma) / (1 - BLUE)));
      planes[at + area / 4] = Math.round(128 + (112 / 255) * ((red - luma) / (1 - RED)));
    }
  }
  return planes;
}
