import type { EncodedPacketSink, VideoCodec } from 'mediabunny';
import type { CodedFrame } from './presentation.js';

/** Less than any clock's tick. */
const TICK = 1e-6;

/**
 * The pictures of a track in the order of presentation, without those that cannot be decoded because no key frame is
 * before them. Reads the tables of an MP4 file; files of other formats are read whole.
 */
export async function frameIndex(sink: EncodedPacketSink, codec: VideoCodec | null): Promise<CodedFrame[]> {
  const frames: CodedFrame[] = [];
  const groups: CodedFrame['group'][] = [];
  // Only the data of a VP8 packet say whether it is ever shown.
  const packets = sink.packets(undefined, undefined, { metadataOnly: codec !== 'vp8' });
  for await (const { timestamp: time, type, data } of packets) {
    if (codec === 'vp8' && data.length > 0 && (data[0]! & 0x10) === 0) continue;
    if (type === 'key') groups.push({ time, index: groups.length });
    // What comes after a key frame and is shown before it may need the group before.
    const group = groups.findLast((one) => one.time <= time + TICK) ?? groups[0];
    if (group) frames.push({ time, group });
  }
  return frames.sort((a, b) => a.time - b.time);
}
