import assert from "node:assert/strict";
import { test } from "node:test";
import { Mesh } from "../../../web/src/data/mesh";
import cities from "../../../web/src/map/cities.json";
import { dotsOf, linksOf, plane } from "../../../web/src/map/graph";
import { type City, Places, folded } from "../../../web/src/map/places";
import { HEIGHT, WIDTH, greatCircle, linkPath, project } from "../../../web/src/map/projection";

const places = new Places(cities as City[]);

test("cities are found without accents, case or region", () => {
  assert.equal(folded("São-Paulo"), "sao paulo");
  for (const [location, latitude, longitude] of [["Sao Paulo,BR", -23.5, -46.6], ["zurich, ch", 47.4, 8.6], ["Frankfurt,DE", 50.1, 8.7], ["Ashburn,VA,US", 39, -77.5], ["New York,US", 40.7, -74]] as const) {
    const spot = places.find(location);
    assert.ok(spot && Math.abs(spot.latitude - latitude) < 0.2 && Math.abs(spot.longitude - longitude) < 0.2, location);
  }
});

test("what is no known city has no place", () => {
  for (const location of ["", "Paris", "rack 12, cage B", "Atlantis,GR", ","]) assert.equal(places.find(location), null, location);
});

test("the map holds the world, and its middle is in the middle", () => {
  const [x] = project(0, 0);
  assert.equal(x, WIDTH / 2);
  for (const [longitude, latitude] of [[-180, 0], [180, 0], [0, 83], [0, -54]] as const) {
    const [x, y] = project(longitude, latitude);
    assert.ok(x >= -1 && x <= WIDTH + 1 && y >= 0 && y <= HEIGHT, `${longitude} ${latitude}`);
  }
});

test("links follow great circles and break at the map's edge", () => {
  const middle = greatCircle({ latitude: 0, longitude: -90 }, { latitude: 0, longitude: 89.99 }, 2)[1]!;
  assert.ok(Math.abs(middle.longitude) < 0.01);
  assert.equal(linkPath({ latitude: 35, longitude: 140 }, { latitude: 37, longitude: -122 }).match(/M/g)?.length, 2);
  assert.equal(linkPath({ latitude: 48, longitude: 2 }, { latitude: 51, longitude: 0 }).match(/M/g)?.length, 1);
});

test("a plane keeps near nodes near, and gives none to nodes without a coordinate", () => {
  const mesh = new Mesh();
  const at = (key: string, coordinate: [number, number, number, number] | null) => ({ key, host: key, url: key, location: "", state: "active", coordinate });
  mesh.load([{ time: "", self: "a", stale_after_s: 90, fields: ["to", "state", "age_s", "p50_ns"], states: ["unknown", "measured", "failed", "stale"], more: false,
    nodes: [at("a", [0, 0, 0, 1]), at("b", [2, 1, 0, 1]), at("c", [100, 40, 7, 1]), at("d", null)],
    rows: [{ from: 0, source: "self", hops: 0, via: null, age_s: 0, cells: [[1, 1, 0, 5e6], [2, 2, 0, null]] }] }], 0);
  const [a, b, c, d] = plane(mesh.nodes);
  const distance = (p: [number, number], q: [number, number]) => Math.hypot(p[0] - q[0], p[1] - q[1]);
  assert.ok(distance(a!, b!) < 0.1 && distance(a!, c!) > 0.5);
  assert.equal(d, null);
  const links = linksOf(mesh, dotsOf(mesh.nodes, (node) => node.key), 0);
  assert.deepEqual(links.map((link) => [link.from, link.to, link.ns, link.measured, link.failed]), [[0, 1, 5e6, 1, 0], [0, 2, null, 0, 1]]);
});
