"""Each operation of /v1/openapi.json asked of a real node: the statuses that come are those that it
tells of, and none besides; answers are of the kinds that it names, and have what it requires.
"""

import json
import re
import unittest
from urllib.parse import quote

import harness
import servers

TOKEN = "correct-horse-battery"
STRANGER = {"X-Forwarded-For": "192.0.2.1"}   # a loopback client, but for a proxy's word
FOREIGN = {"Sec-Fetch-Site": "cross-site"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# What one node of a test cannot be brought to answer; the unit tests that see it.
SEEN_ELSEWHERE = {
    ("/", "get", 304): "test_assets.c",
    ("/assets/{name}", "get", 200): "test_assets.c",
    ("/assets/{name}", "get", 304): "test_assets.c",
    ("/readyz", "get", 503): "test_service.c",
    ("/v1/matrix", "get", 503): "test_matrix_view.c",
    ("/v1/asymmetry", "get", 503): "test_matrix_view.c",
    ("/v1/history", "get", 503): "test_past.c",
    ("/v1/profile", "get", 503): "test_past.c",
    ("/v1/events", "get", 503): "test_dashboard_api.py",
    ("/v1/pausepeer", "post", 409): "test_peer_actions.c",
    ("/v1/quit", "post", 200): "below",
}


class OpenApi(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.target = self.serve(servers.Server(servers.answers("ok"), self.address(2)))
        self.node = self.start_node("-d", 1, self.target.url("/x"),
                                    env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        self.document = self.node.get("/v1/openapi.json").json()
        self.seen = set()

    def resolve(self, value):
        while "$ref" in value:
            at = self.document
            for name in value["$ref"][2:].split("/"):
                at = at[name]
            value = at
        return value

    def check_members(self, schema, body):
        """The members that a schema requires, at the top and as far as arrays of objects go."""
        schema = self.resolve(schema)
        if "oneOf" in schema:
            wanted = [set(self.resolve(one).get("required", ())) for one in schema["oneOf"]]
            self.assertTrue(any(names and names <= set(body) for names in wanted), body)
            return
        if schema.get("type") == "array":
            self.assertIsInstance(body, list)
            for item in body[:5]:
                self.check_members(schema["items"], item)
            return
        if schema.get("type") != "object":
            return
        self.assertLessEqual(set(schema.get("required", ())), set(body), list(body))
        for name, value in body.items():
            inner = self.resolve(schema.get("properties", {}).get(name, {}))
            if isinstance(value, (dict, list)) and inner.get("type") in ("object", "array"):
                self.check_members(inner, value)

    def check(self, path, method, status, query="", headers=None, fields=None, read=True):
        """Asks, and finds the status among those of the document; without read, the head alone."""
        headers = {"Accept": "application/json", **(headers or {})}
        asked = path.replace("{name}", "app-00000000.js") + query
        if read:
            answer = self.node.request(method.upper(), asked, headers, fields)
        else:
            answer = self.head_of(asked)
        self.assertEqual(answer.status, status, f"{method} {asked}: {answer.status}")
        responses = self.document["paths"][path][method]["responses"]
        self.assertIn(str(status), responses, f"{method} {path}")
        self.seen.add((path, method, status))
        content = self.resolve(responses[str(status)]).get("content", {})
        kind = answer.content_type if answer.headers["Content-Type"] else None
        self.assertEqual(kind in content or "*/*" in content, bool(content),
                         f"{method} {asked}: {kind} of {list(content)}")
        if kind == "application/json" or kind == "application/problem+json":
            self.check_members(content[kind]["schema"], answer.json())
        return answer

    def head_of(self, path):
        """What a stream begins with."""
        connection = self.node.connect()
        self.addCleanup(connection.close)
        connection.request("GET", path)
        response = connection.getresponse()

        class Head:
            status, headers = response.status, response.headers
            content_type = response.headers.get_content_type()
        return Head

    def check_readers(self, to):
        for path in ("/", "/v1", "/v1/peers", "/v1/metrics", "/memstats", "/v1/memstats", "/v1/sd",
                     "/v1/history", "/v1/matrix", "/v1/asymmetry", "/v1/session",
                     "/v1/openapi.json", "/healthz", "/readyz", "/metrics", "/v1/ping"):
            self.check(path, "get", 200)
        for path in ("/", "/v1"):
            self.check(path, "get", 200, headers={"Accept": "text/html"})
        for path in ("/v1/peers", "/v1/metrics", "/v1/history", "/v1/matrix", "/v1/asymmetry"):
            page = self.check(path, "get", 200, "?format=html")
            self.assertEqual(page.content_type, "text/html")
        tag = self.node.get("/v1/openapi.json").headers["ETag"]
        self.check("/v1/openapi.json", "get", 304, headers={"If-None-Match": tag})
        self.check("/favicon.ico", "get", 204)
        self.check("/assets/{name}", "get", 404)
        self.check("/v1/events", "get", 200, read=False)
        self.check("/v1/matrix", "get", 400, "?limit=0")
        self.check("/v1/asymmetry", "get", 400, "?limit=x")
        harness.wait_until("a sample", lambda: self.node.get(f"/v1/recent?to={to}").status == 200
                           and self.node.get(f"/v1/recent?to={to}").json()["samples"])
        self.check("/v1/recent", "get", 200, f"?to={to}")
        self.check("/v1/recent", "get", 400)
        self.check("/v1/recent", "get", 404, "?to=nobody")

    def check_past(self, to):
        """The minute is written when it is over, or its target goes."""
        self.check("/v1/removepeer", "post", 200, fields={"url": self.target.url("/x")})
        harness.wait_until("a pair is kept", lambda: self.node.get("/v1/history").json()["pairs"])
        for path in ("/v1/history", "/v1/profile"):
            self.check(path, "get", 200, f"?to={to}")
            self.check(path, "get", 200, f"?to={to}&format=html")
            self.check(path, "get", 400, f"?to={to}&phase=x")
            self.check(path, "get", 404, "?to=nobody")

    def check_operators(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if "security" not in operation:
                    continue
                fields = {} if method == "post" else None
                self.check(path, method, 401, headers=STRANGER, fields=fields)
                self.check(path, method, 403, headers=FOREIGN, fields=fields)
        url = f"http://{self.address(3)}:1/v1/ping"
        self.check("/v1/addpeer", "get", 200)
        self.check("/v1/addpeer", "get", 201, f"?url={quote(url)}")
        self.check("/v1/addpeer", "get", 400, "?url=%3A")
        self.check("/v1/addpeer", "post", 200, fields={"url": url})
        self.check("/v1/addpeer", "post", 201, fields={"url": url + "2"})
        self.check("/v1/addpeer", "post", 400, fields={"url": ":"})
        for path in ("/v1/removepeer", "/v1/pausepeer"):
            self.check(path, "get", 200)
            self.check(path, "post", 400, fields={"url": ""})
            self.check(path, "post", 404, fields={"url": "nobody"})
        self.check("/v1/pausepeer", "post", 200, fields={"url": url, "paused": "true"})
        for path in ("/v1/addpeer", "/v1/removepeer", "/v1/pausepeer", "/v1/login"):
            self.check(path, "post", 415, headers={"Content-Type": "text/plain"},
                       fields={"url": "x"})
        self.check("/v1/env", "get", 200)
        self.check("/v1/env", "get", 200, "?format=json")

    def check_logins(self):
        self.check("/v1/login", "get", 200)
        self.check("/v1/login", "post", 303, fields={"token": TOKEN})
        self.check("/v1/login", "post", 403, headers=FOREIGN, fields={"token": TOKEN})
        self.check("/v1/login", "post", 401, fields={"token": "wrong"})
        self.check("/v1/logout", "post", 303, fields={})
        self.check("/v1/logout", "post", 403, headers=FOREIGN, fields={})
        answer = None
        for _ in range(8):
            answer = self.node.post("/v1/login", {"token": "wrong"}, Accept="application/json")
        self.assertEqual(answer.status, 429)
        self.check("/v1/login", "post", 429, fields={"token": "wrong"})

    def test_each_operation_answers_as_described(self):
        to = quote(self.target.url("/x"), safe="")
        self.check_readers(to)
        self.check_operators()
        self.check_past(to)
        raw = harness.raw_exchange(self.node.address, self.node.port,
                                   b"POST /v1/login HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                                   b"Connection: close\r\n\r\n%zz")
        self.assertIn(b"HTTP/1.1 400 ", raw)
        self.seen.add(("/v1/login", "post", 400))
        self.check_logins()
        self.check("/v1/quit", "get", 200, headers={"Sec-Fetch-Site": "same-origin"})
        self.node.expected_status = 0
        self.check("/v1/quit", "post", 200, fields={})
        told = {(path, method, int(status))
                for path, methods in self.document["paths"].items()
                for method, operation in methods.items()
                for status in operation["responses"] if re.fullmatch(r"\d+", status)}
        self.assertEqual(told - self.seen - set(SEEN_ELSEWHERE), set(), "told of, and never seen")
        self.assertEqual(set(SEEN_ELSEWHERE) - told, set(), "seen elsewhere, and not told of")

    def test_the_document_is_json_and_small(self):
        answer = self.node.get("/v1/openapi.json", Accept_Encoding="gzip")
        self.assertEqual(answer.headers["Content-Encoding"], "gzip")
        self.assertLess(len(answer.body), 16384)
        self.assertEqual(json.loads(self.node.get("/v1/openapi.json").text)["openapi"], "3.1.0")


if __name__ == "__main__":
    unittest.main()
