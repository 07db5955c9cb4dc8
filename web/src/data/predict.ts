// What a path that nobody measures would take, from both ends' network coordinates (Vivaldi with
// height): the distance in space, and up and down each end's access link. Pure.

export type Coordinate = readonly [number, number, number, number]; // milliseconds

export function predictNs(a: Coordinate | null, b: Coordinate | null): number | null {
  if (!a || !b) return null;
  const ms = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) + a[3] + b[3];
  return Number.isFinite(ms) && ms > 0 ? ms * 1e6 : null;
}
