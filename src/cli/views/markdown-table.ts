/** A row of a table: its numbers by column, as often as it was measured. */
export interface MeasuredRow {
  readonly name: string;
  readonly numbers: readonly Readonly<Record<string, number>>[];
}

/** A Markdown table of rows: of each number the mean, and the lowest and the highest where there are several. */
export function markdownTable(rows: readonly MeasuredRow[]): string {
  const columns = Object.keys(rows[0]!.numbers[0]!);
  const lines = rows.map(({ name, numbers }) => {
    const cells = columns.map((column) =>
      cell(numbers.flatMap((of) => (of[column] === undefined ? [] : [of[column]]))),
    );
    return `| ${name.replaceAll('|', '\\|')} | ${cells.join(' | ')} |`;
  });
  return [`| | ${columns.join(' | ')} |`, `|---|${'---|'.repeat(columns.length)}`, ...lines].join('\n');
}

/** Mean, lowest and highest. */
function cell(values: readonly number[]): string {
  if (values.length === 0) return '';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return mean.toFixed(1);
  return `${mean.toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
}
