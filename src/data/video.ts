import type { Input, InputVideoTrack, VideoSample } from 'mediabunny';
import { FeatureError, FileFormatError, TalError } from '../errors.js';
import { bytesSource, openSource } from './byte-source.js';
import { checkFrameShape, checkRate, type FrameShape, frameCount } from './frame.js';
import { frameResizer, turnFrame } from './resize-frame.js';
import { stayAlive, videoLibrary } from './video-library.js';

export interface TimedFrame {
  /** When it begins to be shown, in seconds from the video's first frame. */
  readonly seconds: number;
  /** `height` x `width` x `channels` bytes. */
  readonly pixels: Uint8Array;
}

/** An open video file. Close it after use. */
export interface Video {
  /** Seconds from the start of the first frame to the end of the last. */
  readonly duration: number;
  /** In pixels, as it is to be shown. */
  readonly width: number;
  readonly height: number;
  /**
   * Decodes frame after frame, each resized as a whole to the shape; proportions are not kept.
   * @param rate frames a second: what is shown at 0, 1 / rate, …, `frameCount(duration, rate)` in all. Without it
   *   every frame of the file is given, once
   * @throws FileFormatError where the file is damaged, OptionError where shape or rate are out of range
   */
  frames(shape: FrameShape, rate?: number): AsyncGenerator<TimedFrame, void, void>;
  close(): Promise<void>;
}

/** A frame that begins this much later than asked for is still the one meant: times in files are rounded. */
const ROUNDING = 5e-4;

/**
 * Opens a video: MP4, WebM, Matroska, QuickTime and what else mediabunny reads.
 * @param file a path, or the bytes of the file
 * @throws FileAccessError where it cannot be read, FileFormatError where it is no video, FeatureError where its
 *   codec is unknown here, MissingPackageError where mediabunny or @napi-rs/webcodecs are not installed
 */
export async function openVideo(file: string | Uint8Array, name = 'the video'): Promise<Video> {
  const { ALL_FORMATS, CustomSource, Input, VideoSampleSink } = await videoLibrary();
  const source = typeof file === 'string' ? await openSource(file) : bytesSource(file, name);
  const input = new Input({
    formats: ALL_FORMATS,
    source: new CustomSource({
      getSize: () => source.size,
      read: (start, end) => source.read(start, end - start),
    }),
  });
  const close = async () => {
    input.dispose();
    await source.close();
  };
  const awake = stayAlive();
  try {
    const track = await videoTrack(input, source.name);
    const start = await track.getFirstTimestamp();
    const duration = (await track.computeDuration()) - start;
    return {
      duration,
      width: await track.getDisplayWidth(),
      height: await track.getDisplayHeight(),
      frames: (shape, rate) => {
        checkFrameShape(shape);
        if (rate !== undefined) checkRate(rate);
        const sink = new VideoSampleSink(track);
        const samples =
          rate === undefined ? sink.samples() : sink.samplesAtTimestamps(times(duration, rate, start));
        return resized(samples, shape, rate, start, source.name);
      },
      close,
    };
  } catch (error) {
    await close();
    throw readable(error, source.name);
  } finally {
    awake();
  }
}

async function videoTrack(input: Input, name: string): Promise<InputVideoTrack> {
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new FileFormatError(`${name} holds no pictures: no video track is in it`);
  if (!(await track.canDecode())) {
    throw new FeatureError(
      `${name} is coded as ${(await track.getCodec()) ?? 'something'} that cannot be decoded here`,
    );
  }
  return track;
}

function* times(duration: number, rate: number, start: number): Generator<number> {
  for (let i = 0; i < frameCount(duration, rate); i++) yield start + i / rate + ROUNDING;
}

/** Brings what the decoder gives to the wanted shape, and its errors to ours. */
async function* resized(
  samples: AsyncIterable<VideoSample | null>,
  shape: FrameShape,
  rate: number | undefined,
  start: number,
  name: string,
): AsyncGenerator<TimedFrame, void, void> {
  const awake = stayAlive();
  let convert: ((sample: VideoSample) => Promise<Uint8Array>) | undefined;
  let count = 0;
  try {
    for await (const sample of samples) {
      if (!sample) throw new FileFormatError(`${name} shows nothing at ${count / rate!} s: it is damaged`);
      try {
        convert ??= converter(sample, shape);
        const pixels = await convert(sample);
        yield { seconds: rate === undefined ? sample.timestamp - start : count / rate, pixels };
      } finally {
        sample.close();
      }
      count++;
    }
    if (count === 0) throw new FileFormatError(`${name} is damaged: not one of its frames could be decoded`);
  } catch (error) {
    throw readable(error, name);
  } finally {
    awake();
  }
}

/** For samples of the size and the rotation of the given one. */
function converter(first: VideoSample, shape: FrameShape): (sample: VideoSample) => Promise<Uint8Array> {
  const quarters = first.rotation / 90;
  const { width, height, channels } = shape;
  const upright = quarters % 2 === 0 ? shape : { width: height, height: width, channels };
  const resize = frameResizer(first.visibleRect.width, first.visibleRect.height, upright);
  const rgba = new Uint8Array(first.allocationSize({ format: 'RGBA' }));
  return async (sample) => {
    await sample.copyTo(rgba, { format: 'RGBA' });
    return turnFrame(resize(rgba), quarters, shape);
  };
}

function readable(error: unknown, name: string): TalError {
  if (error instanceof TalError) return error;
  return new FileFormatError(`${name} is no video that can be read: ${(error as Error).message}`, {
    cause: error,
  });
}
