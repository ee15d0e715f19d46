import { FileFormatError } from '../../errors.js';
import { readText } from './json-record.js';

/** A line of a CSV file, whose fields are checked as they are taken out; every error says where it stands. */
export class CsvRow {
  constructor(
    private readonly fields: Readonly<Record<string, string>>,
    readonly where: string,
  ) {}

  error(what: string): FileFormatError {
    return new FileFormatError(`${this.where}: ${what}`);
  }

  /** Whether there is no such column, or nothing in it. */
  absent(column: string): boolean {
    return (this.fields[column] ?? '').trim() === '';
  }

  /** A field with more than spaces in it. */
  text(column: string): string {
    if (this.absent(column)) throw this.error(`${column} is empty`);
    return this.fields[column]!.trim();
  }

  /** A finite number. */
  number(column: string): number {
    const text = this.text(column);
    const number = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(number))
      throw this.error(`${column} is ${JSON.stringify(text)}, not a finite number`);
    return number;
  }

  /** A finite number above 0. */
  positive(column: string): number {
    const number = this.number(column);
    if (number <= 0) throw this.error(`${column} is ${number}, not above 0`);
    return number;
  }
}

export interface CsvFile {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/**
 * Reads a CSV file in UTF-8 (RFC 4180) whose first line names its columns. Empty lines are skipped; a field in quotes
 * may hold commas, quotes and line breaks.
 * @throws FileAccessError where it cannot be read; FileFormatError with the line where a line has more or fewer fields than
 *   the first, a quote is not closed, or a column has no name or that of another
 */
export async function readCsv(path: string): Promise<CsvFile> {
  // Imported when it is used: a page without a bundler needs it for no other file.
  const { CsvError, parse } = await import('csv-parse/sync');
  const lines: { readonly fields: readonly string[]; readonly line: number }[] = [];
  try {
    const parsed = parse(await readText(path), {
      info: true,
      skip_empty_lines: true,
      bom: true,
    }) as unknown as {
      record: string[];
      info: { lines: number };
    }[];
    for (const { record, info } of parsed) lines.push({ fields: record, line: info.lines });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new FileFormatError(`${path}, line ${cause.lines}: ${cause.message}`, { cause });
  }
  const [header, ...rest] = lines;
  if (!header) throw new FileFormatError(`${path} is empty: its first line names the columns`);
  const columns = header.fields.map((name) => name.trim());
  const twice = columns.find((name, i) => name === '' || columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FileFormatError(
      `${path}, line ${header.line}: ${twice === '' ? 'a column has no name' : `the column ${twice} is there twice`}`,
    );
  const rows = rest.map(
    ({ fields, line }) =>
      new CsvRow(
        Object.fromEntries(columns.map((name, i) => [name, fields[i] ?? ''])),
        `${path}, line ${line}`,
      ),
  );
  return { columns, rows };
}
