// Hands the viewer a file that was made here.

export function download(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // after the browser has begun to read
}

/** "pingmesh-matrix-2026-11-23T0204.csv" */
export function fileName(what: string, extension: string, time = new Date()): string {
  return `pingmesh-${what}-${time.toISOString().slice(0, 16).replace(":", "")}.${extension}`;
}
