// Colour scales that people with any colour vision can read: lightness alone tells the order. The
// slower a path, the further its colour is from the page's background, in light and in dark.

export type Rgb = readonly [number, number, number];

export function parseHex(hex: string): Rgb {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function toCss([r, g, b]: Rgb): string {
  return `rgb(${Math.round(r)},${Math.round(g)},${Math.round(b)})`;
}

/** The colour at t (0 to 1) on evenly spaced stops. */
export function ramp(stops: readonly Rgb[], t: number): Rgb {
  const place = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const from = Math.min(stops.length - 2, Math.floor(place));
  const [a, b] = [stops[from]!, stops[from + 1]!];
  const share = place - from;
  return [0, 1, 2].map((i) => a[i]! + (b[i]! - a[i]!) * share) as unknown as Rgb;
}

const stops = (text: string) => text.split(" ").map(parseHex);

// Both follow the "mako" scale, whose lightness rises evenly, without its ends, which would vanish.
const ON_LIGHT = stops("#e3f3ea #bfe6d3 #8fd3bf #5bbcb0 #38a1ab #3080a4 #345f97 #3a3f78 #2f2148");
const ON_DARK = stops("#2b2a45 #35396a #395088 #376b99 #3487a2 #3ba5ab #5cc2ad #97dcb9 #def5e5");
const SLOWER = { light: stops("#efefec #f6d3b3 #ee9f5d #cf6420 #8a3a0c"),
                 dark: stops("#26292e #5a3a22 #9a5423 #dd7f35 #ffc48d") };
const FASTER = { light: stops("#efefec #c5dcee #86b5dc #3f7fb8 #1f4f82"),
                 dark: stops("#26292e #223f5a #2c629a #4f95d6 #b1d6f7") };

export type Theme = "light" | "dark";

export function latencyColour(t: number, theme: Theme): Rgb {
  return ramp(theme === "dark" ? ON_DARK : ON_LIGHT, t);
}

/** t from -1 (faster) over 0 to 1 (slower). */
export function divergingColour(t: number, theme: Theme): Rgb {
  return ramp((t < 0 ? FASTER : SLOWER)[theme], Math.abs(t));
}

/** Black or white, whichever is read better on that colour (WCAG's relative luminance). */
export function inkOn(colour: Rgb): string {
  const [r, g, b] = colour.map((value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.183 ? "#000000" : "#ffffff";
}

export interface LogScale {
  low: number;
  high: number;
  /** 0 to 1, and beyond where the value is. */
  at(value: number): number;
}

/** The power of ten times 1, 2 or 5 that is at most (or at least) the value. */
export function round125(value: number, up: boolean): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  const steps = [1, 2, 5, 10].map((step) => step * power);
  const slack = 1e-9 * value;
  if (up) return steps.find((step) => step >= value - slack) ?? value;
  return [...steps].reverse().find((step) => step <= value + slack) ?? value;
}

/** A logarithmic scale whose ends are round and at least a factor of ten apart. */
export function logScale(low: number, high: number): LogScale {
  let from = round125(Math.max(low, 1), false);
  let to = round125(Math.max(high, 1), true);
  while (to / from < 10 - 1e-9) {
    to = round125(to * 1.5, true);
    if (to / from < 10 - 1e-9) from = round125(from / 1.5, false);
  }
  const span = Math.log(to / from);
  return { low: from, high: to, at: (value) => Math.log(Math.max(value, 1) / from) / span };
}

/** Round values on the scale for a legend. */
export function scaleTicks(scale: LogScale, most: number): number[] {
  const ticks: number[] = [];
  for (let tick = scale.low; tick <= scale.high * 1.0001; tick = round125(tick * 1.5, true)) ticks.push(tick);
  const decades = ticks.filter((tick) => /^1(\.0*)?e/.test(tick.toExponential()));
  return ticks.length <= most ? ticks : decades.length >= 2 ? decades : [ticks[0]!, ticks.at(-1)!];
}
