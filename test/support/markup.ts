import assert from 'node:assert/strict';

/** Tags must close in order, and no attribute or text may hold a bare < or &. */
export function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)(\w+)((?: [\w:-]+="[^"<&]*(?:&\w+;[^"<&]*)*")*)(\/?)>/g,
    (_, end, tag, __, empty) => {
      if (end) assert.equal(open.pop(), tag);
      else if (!empty) open.push(tag);
      return '';
    },
  );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest.replace(/&(amp|lt|gt|quot);/g, ''), /[<>&]/);
}
