import type { AbortSignalLike } from '../../abort.js';
import { FileAccessError, FileFormatError } from '../../errors.js';
import type { ByteSource } from './byte-source.js';

/** Bytes that one request asks for: few requests, and a bounded part of a large file in memory. */
const blockBytes = 2 ** 23;

/**
 * Opens a file by its address (http, https). Where the server answers ranges, parts are fetched as they are read; else the
 * file is fetched as a whole.
 * @throws FileAccessError where it cannot be fetched
 */
export async function openUrl(url: string, signal?: AbortSignalLike): Promise<ByteSource> {
  const first = await request(url, [0, blockBytes - 1], signal);
  const bytes = await bodyOf(first, url, signal);
  const size = sizeOf(first, bytes.length);
  let block = { begin: 0, bytes };
  const has = (offset: number, length: number) =>
    offset >= block.begin && offset + length <= block.begin + block.bytes.length;
  return {
    name: url,
    size,
    read: async (offset, length) => {
      if (!has(offset, length)) {
        const end = Math.min(size, offset + Math.max(length, blockBytes));
        const response = await request(url, [offset, end - 1], signal);
        const bytes = await bodyOf(response, url, signal);
        if (response.status !== 206 || bytes.length !== end - offset) {
          throw new FileFormatError(`${url} changed while it was read, or its server cut the answer short`);
        }
        block = { begin: offset, bytes };
      }
      const begin = offset - block.begin;
      return block.bytes.slice(begin, begin + length);
    },
    close: async () => {},
  };
}

async function request(
  url: string,
  [first, last]: readonly [number, number],
  signal: AbortSignalLike | undefined,
): Promise<Response> {
  const headers = { Range: `bytes=${first}-${last}` };
  const response = await fetch(url, { headers, ...(signal && { signal }) }).catch((cause) => {
    signal?.throwIfAborted();
    throw new FileAccessError(`Cannot fetch ${url}: ${(cause as Error).message}`, { cause });
  });
  // A server that has only one page gives it for every address.
  const page = response.headers.get('content-type')?.startsWith('text/html');
  if (response.status === 416) return emptyFile(response);
  if (response.ok && !page) return response;
  const why = page ? 'its server answers with a page: is the address right?' : `status ${response.status}`;
  throw new FileAccessError(`Cannot fetch ${url}: ${why}`);
}

/** A range of an empty file cannot be satisfied. */
function emptyFile(response: Response): Response {
  if (response.headers.get('content-range') === 'bytes */0') return new Response(new Uint8Array(0));
  throw new FileAccessError(`Cannot fetch ${response.url}: status 416`);
}

async function bodyOf(
  response: Response,
  url: string,
  signal: AbortSignalLike | undefined,
): Promise<Uint8Array> {
  const body = await response.arrayBuffer().catch((cause) => {
    signal?.throwIfAborted();
    throw new FileAccessError(`Cannot fetch ${url}: the connection ended (${(cause as Error).message})`, {
      cause,
    });
  });
  return new Uint8Array(body);
}

/** `Content-Range: bytes 0-99/1234` tells the length of the whole. */
function sizeOf(response: Response, received: number): number {
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return response.status === 206 && total !== undefined ? Number(total) : received;
}
