import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoute, pairHash, parseRoute, withQuery } from "../../../web/src/base/route";
import { csv } from "../../../web/src/base/csv";

test("an empty hash is the mesh", () => {
  for (const hash of ["", "#", "#/", "#/?"]) assert.deepEqual(parseRoute(hash), { view: "mesh", parts: [], query: {} });
});

test("what is formatted is parsed again, whatever is in it", () => {
  const names = ["http://[2001:db8::1]:8080/v1/ping?a=b&c#d", "São Paulo,BR", "50 % of ?", "a+b", ""];
  for (const name of names) {
    const hash = formatRoute({ view: "pair", parts: [name, "b"], query: { find: name, range: "6h" } });
    const route = parseRoute(hash);
    assert.deepEqual(route.parts, [name, "b"]);
    assert.equal(route.query["find"] ?? "", name);
    assert.equal(route.query["range"], "6h");
  }
});

test("a broken escape is shown as it is", () => {
  assert.deepEqual(parseRoute("#/pair/%zz/b").parts, ["%zz", "b"]);
});

test("a query changes in part, and empty values go", () => {
  const route = parseRoute("#/mesh?sort=trouble&find=x");
  assert.equal(withQuery(route, { find: "", metric: "loss" }), "#/mesh?sort=trouble&metric=loss");
  assert.equal(pairHash("a", "b"), "#/pair/a/b");
});

test("CSV quotes what needs it and defuses formulas", () => {
  assert.equal(csv([["a", 1.5, null], ['say "hi"', "x,y", "two\nlines"], ["=1+1", -3, "@x"]]),
    'a,1.5,\r\n"say ""hi""","x,y","two\nlines"\r\n\'=1+1,-3,\'@x\r\n');
});
