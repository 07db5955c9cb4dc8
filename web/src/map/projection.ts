// The world on a plane: the Equal Earth projection (Šavrič, Patterson and Jenny 2018), and great
// circles on it. Pure. Angles in degrees, the plane in pixels of WIDTH by HEIGHT.

export const WIDTH = 1000;
export const HEIGHT = 440; // without the Antarctic

const A1 = 1.340264;
const A2 = -0.081106;
const A3 = 0.000893;
const A4 = 0.003796;
const M = Math.sqrt(3) / 2;
const SCALE = WIDTH / 2 / 2.7066; // half of the equator
const TOP_DEGREES = 84;

const radians = (degrees: number) => (degrees * Math.PI) / 180;

function raw(longitude: number, latitude: number): [number, number] {
  const t = Math.asin(M * Math.sin(radians(latitude)));
  const t2 = t * t;
  const t6 = t2 * t2 * t2;
  const x = (radians(longitude) * Math.cos(t)) / (M * (A1 + 3 * A2 * t2 + t6 * (7 * A3 + 9 * A4 * t2)));
  return [x, t * (A1 + A2 * t2 + t6 * (A3 + A4 * t2))];
}

const TOP = raw(0, TOP_DEGREES)[1];

export function project(longitude: number, latitude: number): [number, number] {
  const [x, y] = raw(longitude, latitude);
  return [WIDTH / 2 + x * SCALE, (TOP - y) * SCALE];
}

export interface Spot {
  latitude: number;
  longitude: number;
}

type Vector = [number, number, number];

function vector({ latitude, longitude }: Spot): Vector {
  const [a, b] = [radians(latitude), radians(longitude)];
  return [Math.cos(a) * Math.cos(b), Math.cos(a) * Math.sin(b), Math.sin(a)];
}

/** Points of the shortest way over the globe, in equal steps. */
export function greatCircle(from: Spot, to: Spot, steps: number): Spot[] {
  const [a, b] = [vector(from), vector(to)];
  const angle = Math.acos(Math.min(1, Math.max(-1, a[0] * b[0] + a[1] * b[1] + a[2] * b[2])));
  if (angle < 1e-6) return [from, to];
  return Array.from({ length: steps + 1 }, (_, i) => {
    const [u, v] = [Math.sin((1 - i / steps) * angle) / Math.sin(angle), Math.sin((i / steps) * angle) / Math.sin(angle)];
    const [x, y, z] = [0, 1, 2].map((axis) => u * a[axis]! + v * b[axis]!) as Vector;
    return { latitude: (Math.asin(z) * 180) / Math.PI, longitude: (Math.atan2(y, x) * 180) / Math.PI };
  });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** An SVG path; broken where it leaves the map on one side and enters on the other. */
export function linkPath(from: Spot, to: Spot): string {
  let last: number | null = null;
  return greatCircle(from, to, 32).map(({ longitude, latitude }) => {
    const [x, y] = project(longitude, latitude);
    const jump = last === null || Math.abs(longitude - last) > 180;
    last = longitude;
    return `${jump ? "M" : "L"}${round(x)} ${round(y)}`;
  }).join("");
}

/** The land from its outlines in tenths of a degree, each point the difference to the one before. */
export function landPath(rings: readonly (readonly number[])[]): string {
  return rings.map((ring) => {
    let [x, y] = [0, 0];
    let path = "";
    for (let i = 0; i < ring.length; i += 2) {
      x += ring[i]!;
      y += ring[i + 1]!;
      const [px, py] = project(x / 10, Math.min(y / 10, TOP_DEGREES));
      path += `${i ? "L" : "M"}${round(px)} ${round(py)}`;
    }
    return `${path}Z`;
  }).join("");
}
