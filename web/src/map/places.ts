// Where a location's name is on the globe. Pure.

import type { Spot } from "./projection";

/** [names separated by "/", country, latitude and longitude in tenths of a degree] */
export type City = [string, string, number, number];

/** Without accents, case and what is between words: "São Paulo" and "sao-paulo" are the same. */
export function folded(name: string): string {
  return name.normalize("NFD").replace(/\p{M}/gu, "").replace(/ø/gi, "o").replace(/ß/g, "ss").replace(/ł/gi, "l")
    .toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

export class Places {
  private readonly byName = new Map<string, Spot>();

  constructor(cities: readonly City[]) {
    for (const [names, country, latitude, longitude] of cities) {
      const spot = { latitude: latitude / 10, longitude: longitude / 10 };
      for (const name of names.split("/")) this.byName.set(`${folded(name)},${country}`, spot);
    }
  }

  /** "Paris,FR"; a region between city and country is passed over: "Ashburn,VA,US". */
  find(location: string): Spot | null {
    const parts = location.split(",").map((part) => part.trim());
    if (parts.length < 2) return null;
    const country = parts.at(-1)!.toUpperCase();
    return this.byName.get(`${folded(parts[0]!)},${country}`) ?? null;
  }
}
