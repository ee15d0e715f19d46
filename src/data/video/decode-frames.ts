import type { InputVideoTrack, VideoSample } from 'mediabunny';
import type { ShownFrame } from './presentation.js';
import type { VideoLibrary } from './video-library.js';

/** More than the error of times that were rounded to microseconds, less than any picture is shown. */
const ROUNDING = 1e-5;

/** A chunk of the track that is decoded in one go. */
interface Run {
  /** Of the frames that are wanted of it, in order. */
  readonly first: number;
  last: number;
}

/**
 * Decodes these frames of a track, in this order, one sample for each: what is on the screen at its time, where a damaged
 * frame gives nothing. Samples are closed when the next is asked for. Only what the frames need is decoded, from the last
 * key frame before them; the search for key frames is not left to mediabunny, which in Matroska files without cues does
 * not look before the cluster of a time.
 */
export async function* decodeFrames(
  { VideoSampleSink }: VideoLibrary,
  track: InputVideoTrack,
  wanted: readonly ShownFrame[],
): AsyncGenerator<VideoSample, void, void> {
  const sink = new VideoSampleSink(track);
  for (const { first, last } of runsOf(wanted)) {
    let next = first;
    let shown: VideoSample | undefined;
    const samples = sink.samples(wanted[first]!.group.time, wanted[last]!.time + ROUNDING);
    try {
      for await (const sample of samples) {
        for (; next <= last && wanted[next]!.time < sample.timestamp - ROUNDING; next++)
          yield shown ?? sample;
        shown?.close();
        shown = sample;
        // Not held back until the sample after it: that may be far away.
        for (; next <= last && Math.abs(wanted[next]!.time - sample.timestamp) <= ROUNDING; next++)
          yield sample;
      }
      for (; next <= last && shown; next++) yield shown;
    } finally {
      shown?.close();
    }
    if (next <= last) return;
  }
}

/** What goes forward within a group of pictures, or on to the next group, is one run. */
function runsOf(wanted: readonly ShownFrame[]): Run[] {
  const runs: Run[] = [];
  for (const [i, { time, group }] of wanted.entries()) {
    const run = runs.at(-1);
    const before = run && wanted[run.last]!;
    const near = before && time >= before.time && group.index - before.group.index <= 1;
    if (run && near) run.last = i;
    else runs.push({ first: i, last: i });
  }
  return runs;
}
