/** Ends a command that has said why with another status than 0. */
export class ExitStatus extends Error {
  constructor(readonly status: number) {
    super(`a command ended with status ${status}`);
  }
}

/** Where nobody reads what is written, as a shell reports SIGPIPE. */
export const brokenPipe = 141;

/** Where the user interrupted it, as a shell reports SIGINT. */
export const interrupted = 130;
