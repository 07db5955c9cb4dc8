"""Receivers for the sinks' tests: they read whole requests, unpack them and keep them."""

import gzip
import json

import servers


class Receiver(servers.Server):
    """Answers by script while it lasts, (status, body) each, then with 200 and `body`."""

    def __init__(self, body="", script=()):
        super().__init__(self._take)
        self.body, self.script = body, list(script)
        self.taken, self.refused = [], []  # (request, body as text)

    def _take(self, connection, request):
        data = request.rest
        while len(data) < int(request.header("Content-Length") or 0):
            data += connection.recv(65536)
        if request.header("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        entry = (request, data.decode("utf-8"))
        if self.script:
            status, body = self.script.pop(0)
            self.refused.append(entry)
            connection.sendall(servers.response(body, status, content_type="application/json"))
            return
        self.taken.append(entry)
        connection.sendall(servers.response(self.body, content_type="application/json"))

    def documents(self):
        return [json.loads(body) for _request, body in self.taken]


class Peer(servers.Server):
    """A target that can be switched off: it then hangs up without an answer."""

    def __init__(self, location="Tokyo,JP"):
        super().__init__(self._answer)
        self.up, self.location = True, location

    def _answer(self, connection, _request):
        if self.up:
            connection.sendall(servers.response(servers.ping_page(self.location)))


def points(document):
    """(metric's name, kind, point) of an OTLP request; attributes as a dictionary."""
    for resource in document["resourceMetrics"]:
        for scope in resource["scopeMetrics"]:
            for metric in scope["metrics"]:
                for kind in ("sum", "gauge", "histogram"):
                    for point in metric.get(kind, {}).get("dataPoints", []):
                        yield metric["name"], kind, {**point, "attributes": attributes(point)}


def attributes(holder):
    return {item["key"]: next(iter(item["value"].values())) for item in holder["attributes"]}
