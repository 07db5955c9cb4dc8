// Figures and times as people read them. Pure: the zone and the time come with the call.

/** Milliseconds with three digits that say something: "0.016", "3.21", "32.1", "321". */
export function milliseconds(ns: number | null | undefined): string {
  if (ns === null || ns === undefined || !Number.isFinite(ns)) return "–";
  const ms = ns / 1e6;
  const size = Math.abs(ms);
  if (size >= 99.95) return Math.round(ms).toString();
  if (size >= 9.995) return ms.toFixed(1);
  if (size >= 0.9995) return ms.toFixed(2);
  return ms.toFixed(3);
}

/** The same with its unit, and in seconds from ten of them on. */
export function latency(ns: number | null | undefined): string {
  if (ns === null || ns === undefined || !Number.isFinite(ns)) return "–";
  if (Math.abs(ns) >= 1e10) return `${(ns / 1e9).toFixed(1)} s`;
  return `${milliseconds(ns)} ms`;
}

/** "0 %", "0.4 %", "12 %": a share of probes. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value === 0) return "0 %";
  if (value < 0.1) return "< 0.1 %";
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, "") : Math.round(value)} %`;
}

/** "+12 %", "−3 %". */
export function signedPercent(share: number): string {
  const value = Math.round(share * 100);
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value)} %`;
}

/** "3 s", "2 min", "5 h", "9 d". */
export function age(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString("en")} ${value === 1 ? one : many}`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** "14:05:09" in the viewer's zone. */
export function clock(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** "23 Nov 14:05", with the year where it is not this one. */
export function moment(time: Date, now: Date): string {
  const month = time.toLocaleString("en", { month: "short" });
  const year = time.getFullYear() === now.getFullYear() ? "" : ` ${time.getFullYear()}`;
  return `${time.getDate()} ${month}${year} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** "+05:30": what a clock that is so many minutes ahead of UTC shows. */
export function offset(minutesAhead: number): string {
  const size = Math.abs(minutesAhead);
  return `${minutesAhead < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** What a share of sent probes is; null where none was sent. */
export function lossShare(sent: number, lost: number): number | null {
  return sent > 0 ? lost / sent : null;
}

/** A host without its port where that is the usual one of the mesh: shorter labels. */
export function shortHost(host: string): string {
  return host.replace(/^(https?:\/\/)/, "").replace(/\/v1\/ping$/, "");
}
