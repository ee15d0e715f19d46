import type { EncodedPacket } from 'mediabunny';

/** Packets that wait in the decoder at most. */
const QUEUE = 16;

/**
 * Has mediabunny decode VP8 and VP9 in Node without what its own way needs of a browser: it decodes alpha in workers, and
 * gives frames the times of packets in order, which is wrong where a packet is never shown (alternate reference frames).
 */
export function registerOpaqueDecoder({
  CustomVideoDecoder,
  registerDecoder,
  VideoSample,
}: typeof import('mediabunny')): void {
  registerDecoder(
    class extends CustomVideoDecoder {
      static override supports(codec: string): boolean {
        return codec === 'vp8' || codec === 'vp9';
      }

      #decoder?: VideoDecoder;

      init(): void {
        this.#decoder = new VideoDecoder({
          output: (frame) => this.onSample(new VideoSample(frame)),
          error: (error) => this.onError(error),
        });
        this.#decoder.configure(this.config);
      }

      async decode(packet: EncodedPacket): Promise<void> {
        while (this.#decoder!.decodeQueueSize > QUEUE) await new Promise((resolve) => setTimeout(resolve));
        this.#decoder!.decode(packet.toEncodedVideoChunk());
      }

      async flush(): Promise<void> {
        await this.#decoder!.flush();
      }

      close(): void {
        if (this.#decoder?.state !== 'closed') this.#decoder?.close();
      }
    },
  );
}
