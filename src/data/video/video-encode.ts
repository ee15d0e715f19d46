import { bytes, checkArgument, checkArguments, objectWith, positive, rule } from '../../arguments.js';
import { FeatureError, OptionError } from '../../errors.js';
import { rgbToI420 } from './i420.js';
import { stayAlive, videoLibrary } from './video-library.js';

export interface VideoFormat {
  /** In pixels, even. */
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly rate: number;
}

const side = rule<number>(
  'an even integer above 0',
  (value) => Number.isSafeInteger(value) && Number(value) > 0 && Number(value) % 2 === 0,
);
const formatRule = objectWith<VideoFormat>({ width: side, height: side, rate: positive });

const framesRule = rule<Iterable<Uint8Array>>(
  'an iterable of Uint8Arrays',
  (value) => typeof value === 'object' && value !== null && Symbol.iterator in value,
);

/** Enough for small pictures with noise. */
const BITS_PER_PIXEL = 1.4;
/** Below 128 kbit/s the encoder names a level of H.264 that its own decoder refuses. */
const LEAST_BITS_PER_SECOND = 150_000;

/**
 * A video as an MP4 file: H.264, which browsers play.
 * @param frames each `height` x `width` x 3 bytes: red, green, blue
 * @throws OptionError where a size is odd or a frame has another one, MissingPackageError where mediabunny or
 *   @napi-rs/webcodecs are not installed, FeatureError where H.264 cannot be encoded here
 */
export async function encodeMp4(frames: Iterable<Uint8Array>, format: VideoFormat): Promise<Uint8Array> {
  checkArguments('encodeMp4', { frames, format }, { frames: framesRule, format: formatRule });
  const { width, height, rate } = format;
  const { BufferTarget, canEncodeVideo, Mp4OutputFormat, Output, Quality, VideoSample, VideoSampleSource } =
    await videoLibrary();
  const awake = stayAlive();
  try {
    if (!(await canEncodeVideo('avc', { width, height }))) {
      throw new FeatureError('H.264 cannot be encoded here: the WebCodecs at hand lack an encoder for it');
    }
    const target = new BufferTarget();
    const output = new Output({ format: new Mp4OutputFormat({ fastStart: 'in-memory' }), target });
    const bitrate = Math.round(Math.max(LEAST_BITS_PER_SECOND, BITS_PER_PIXEL * width * height * rate));
    const track = new VideoSampleSource({ codec: 'avc', quality: new Quality({ bitrate }) });
    output.addVideoTrack(track, { frameRate: rate });
    await output.start();
    try {
      let count = 0;
      for (const frame of frames) {
        checkArgument('encodeMp4', `frames[${count}]`, frame, bytes);
        if (frame.length !== width * height * 3) {
          throw new OptionError(
            `frame ${count} has ${frame.length} bytes; ${height} x ${width} x 3 are ${width * height * 3}`,
          );
        }
        const sample = new VideoSample(rgbToI420(frame, width, height), {
          format: 'I420',
          codedWidth: width,
          codedHeight: height,
          colorSpace: {
            primaries: 'smpte170m',
            transfer: 'smpte170m',
            matrix: 'smpte170m',
            fullRange: false,
          },
          timestamp: count / rate,
          duration: 1 / rate,
        });
        await track.add(sample).finally(() => sample.close());
        count++;
      }
      await output.finalize();
    } catch (error) {
      await output.cancel();
      throw error;
    }
    return new Uint8Array(target.buffer!);
  } finally {
    awake();
  }
}
