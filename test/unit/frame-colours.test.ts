import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ColourCoding, convertible, planesToRgba } from '../../src/data/video/frame-colours.js';

/** Kr and Kb of the standards. */
const standards = {
  bt709: [0.2126, 0.0722],
  smpte170m: [0.299, 0.114],
  'bt2020-ncl': [0.2627, 0.0593],
  smpte240m: [0.212, 0.087],
  bt2020c: [0.2627, 0.0593],
} as const;

/** One colour in 2 x 2 pixels of a format, coded as ITU-T H.273 says. */
function coded(rgb: readonly number[], format: string, { matrix, fullRange }: ColourCoding) {
  const bits = format.endsWith('P10') ? 10 : format.endsWith('P12') ? 12 : 8;
  const [red, green, blue] = rgb.map((value) => value / 255) as [number, number, number];
  const [kr, kb] = standards[(matrix ?? 'smpte170m') as keyof typeof standards];
  const y = kr * red + (1 - kr - kb) * green + kb * blue;
  const [u, v] = [(blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))];
  const scale = 2 ** (bits - 8);
  const most = 2 ** bits - 1;
  const luma = Math.round(fullRange ? y * most : (16 + 219 * y) * scale);
  const chroma = (c: number) =>
    Math.min(most, Math.round(128 * scale + c * (fullRange ? most : 224 * scale)));
  const area = format.includes('444') ? 4 : format.includes('422') ? 2 : 1;
  const [us, vs] = [u, v].map((c) => new Array<number>(area).fill(chroma(c))) as [number[], number[]];
  const planes = [new Array<number>(4).fill(luma)];
  if (format === 'NV12') planes.push([us[0]!, vs[0]!]);
  else planes.push(us, vs);
  if (/I4..A/.test(format)) planes.push(new Array<number>(4).fill(most >> 1));
  const unit = bits === 8 ? 1 : 2;
  const values = planes.flat();
  const bytes = new Uint8Array(bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values).buffer);
  let offset = 0;
  const layout = planes.map((plane, i) => {
    const wide = i === 0 || i === 3 || area === 4 || format === 'NV12';
    const one = { offset: offset * unit, stride: (wide ? 2 : 1) * unit };
    offset += plane.length;
    return one;
  });
  return { format, width: 2, height: 2, bytes, layout };
}

const colours = [
  [0, 0, 0],
  [255, 255, 255],
  [191, 191, 0],
  [20, 180, 90],
  [255, 0, 0],
  [0, 0, 255],
];

describe('planes become colours', () => {
  const formats = [
    'I420',
    'I422',
    'I444',
    'NV12',
    'I420A',
    'I444A',
    'I420P10',
    'I422P10',
    'I444P10',
    'I420P12',
  ];
  for (const matrix of [...Object.keys(standards), undefined]) {
    for (const fullRange of [false, true]) {
      it(`of ${matrix ?? 'no matrix'}, ${fullRange ? 'full' : 'limited'} range`, () => {
        for (const format of formats) {
          assert.ok(convertible(format, matrix));
          for (const colour of colours) {
            const rgba = planesToRgba(coded(colour, format, { matrix, fullRange }), { matrix, fullRange });
            for (let i = 0; i < 16; i++) {
              const wanted = i % 4 === 3 ? 255 : colour[i % 4]!;
              assert.ok(Math.abs(rgba[i]! - wanted) <= 2, `${format}: ${rgba.slice(0, 4)} is not ${colour}`);
            }
          }
        }
      });
    }
  }

  it('of planes of green, blue and red', () => {
    const bytes = Uint8Array.of(10, 20, 30);
    const layout = [0, 1, 2].map((offset) => ({ offset, stride: 1 }));
    const planes = { format: 'I444', width: 1, height: 1, bytes, layout };
    assert.deepEqual([...planesToRgba(planes, { matrix: 'rgb', fullRange: true })], [30, 10, 20, 255]);
    assert.equal(convertible('I420', 'rgb'), false);
    assert.equal(convertible(null, undefined), false);
    assert.equal(convertible('RGBA', undefined), false);
  });

  it('of an odd size, whose chroma planes may be rounded down', () => {
    for (const rounded of [1, 2]) {
      const chroma = new Array<number>(rounded * rounded).fill(128);
      const bytes = Uint8Array.from([...new Array<number>(9).fill(235), ...chroma, ...chroma]);
      const layout = [
        { offset: 0, stride: 3 },
        { offset: 9, stride: rounded },
        { offset: 9 + rounded ** 2, stride: rounded },
      ];
      const rgba = planesToRgba({ format: 'I420', width: 3, height: 3, bytes, layout }, {});
      assert.deepEqual([...rgba], new Array(36).fill(255));
    }
  });
});
