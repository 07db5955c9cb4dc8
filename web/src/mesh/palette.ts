// The colours of the page, as its stylesheet has them, for what is drawn on a canvas.

import type { Theme } from "../base/colour";

export interface Palette {
  theme: Theme;
  background: string;
  surface: string;
  text: string;
  muted: string;
  line: string;
  failed: string;
  accent: string;
  font: string;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    theme: read("--theme") === "dark" ? "dark" : "light",
    background: read("--background"), surface: read("--surface"), text: read("--text"),
    muted: read("--muted"), line: read("--line"), failed: read("--failed"), accent: read("--accent"),
    font: style.fontFamily,
  };
}
