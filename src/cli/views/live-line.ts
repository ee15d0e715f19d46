/** A line on the terminal that is written over and over; where there is none, as in a log file, a line each time it differs. */
export class LiveLine {
  #shown = '';

  show(text: string): void {
    // A line break in the text would leave a part of it behind.
    const line = text.replace(/\s*\n\s*/g, ' ↵ ');
    if (line === this.#shown) return;
    this.#shown = line;
    const { stderr } = process;
    if (stderr.isTTY) stderr.write(`\r\x1b[2K${lastCharacters(line, stderr.columns - 1)}`);
    else stderr.write(`${line}\n`);
  }

  /** Clears the line. */
  stop(): void {
    if (process.stderr.isTTY && this.#shown !== '') process.stderr.write('\r\x1b[2K');
    this.#shown = '';
  }
}

/** A line that is wider than the terminal would wrap and could not be written over. */
function lastCharacters(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width ? line : `…${characters.slice(characters.length - width + 1).join('')}`;
}
