// RFC 4180. A field that a spreadsheet would take for a formula is made text. Pure.

export type Field = string | number | null | undefined;

function field(value: Field): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

export function csv(rows: readonly (readonly Field[])[]): string {
  return rows.map((row) => row.map(field).join(",") + "\r\n").join("");
}
