import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RecordingsHeader {
  rate_hz: number;
  channels: string[];
  scale: number[];
  classes: string[];
  recordings: {
    exp: number;
    user: number;
    split: string;
    samples: number;
    offset: number;
    segments: number[][];
  }[];
}

/** Two recordings of 2 and 1 s at 10 Hz, two channels; sample s of the file is [s, -s]. */
export const recordingsHeader = (): RecordingsHeader => ({
  rate_hz: 10,
  channels: ['acc_x', 'gyro_x'],
  scale: [0.5, 0.25],
  classes: ['WALKING', 'SITTING'],
  recordings: [
    {
      exp: 1,
      user: 2,
      split: 'train',
      samples: 20,
      offset: 0,
      segments: [
        [2, 10, 20],
        [1, 0, 10],
      ],
    },
    { exp: 13, user: 2, split: 'validation', samples: 10, offset: 20, segments: [] },
  ],
});

export const recordingsSignal = (): Uint8Array =>
  new Uint8Array(Int16Array.from({ length: 60 }, (_, i) => (i % 2 ? -(i >> 1) : i >> 1)).buffer);

/** Writes them to a new folder. */
export function writeRecordings(
  folder: string,
  header: unknown = recordingsHeader(),
  signal: Uint8Array = recordingsSignal(),
): string {
  mkdirSync(folder, { recursive: true });
  const text = header instanceof Uint8Array || typeof header === 'string' ? header : JSON.stringify(header);
  writeFileSync(join(folder, 'made-up.json'), text);
  writeFileSync(join(folder, 'made-up_i16.bin'), signal);
  return folder;
}
