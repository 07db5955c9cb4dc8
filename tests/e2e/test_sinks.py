"""The sinks with real nodes: what arrives when all is well, and that nothing a receiver does can
disturb the probes."""

import json
import re
import signal
import time
import unittest

import harness
import servers
import sinks

EVENTS = ("--alert-down", 2, "--alert-window", 1)


class SinksTest(harness.EndToEndTest):
    def node(self, *arguments, env=None, targets=()):
        return self.start_node("--no-grow", "-d", 1, "-L", "Paris,FR", "--output", "json",
                               *arguments, *targets, env=env)

    def receiver(self, *arguments, **named):
        return self.serve(sinks.Receiver(*arguments, **named))

    def peer(self, location="Tokyo,JP"):
        return self.serve(sinks.Peer(location))

    def metrics(self, node):
        """Of /metrics: name{labels} and value."""
        return {name: float(value) for name, value in
                re.findall(r"^([a-z_]+(?:\{[^\n]*\})?) (\S+)$", node.get("/metrics").text, re.M)}

    def counts(self, node, sink):
        values = self.metrics(node)
        return tuple(int(values[f'pingmesh_sink_{what}_total{{sink="{sink}"}}'])
                     for what in ("taken", "dropped", "failed"))


class Otlp(SinksTest):
    def test_every_probe_is_counted(self):
        receiver = self.receiver("{}")
        dead = f"http://127.0.0.1:{self.dead_port()}/v1/ping"
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.base + "/base",
               "OTEL_EXPORTER_OTLP_HEADERS": "X-Key=of%20mine",
               "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_SERVICE_NAME": "mesh"}
        node = self.node("--publish", "otlp", "-H", "host1", env=env,
                         targets=[self.peer().url(), dead])
        harness.wait_until("three requests", lambda: len(receiver.taken) >= 3)
        node.stop()
        request = receiver.taken[0][0]
        self.assertEqual(request.target, "/base/v1/metrics")
        self.assertEqual(request.header("X-Key"), "of mine")
        self.assertEqual(request.header("Content-Type"), "application/json")
        self.assertEqual(request.header("Content-Encoding"), "gzip")
        resource = sinks.attributes(receiver.documents()[0]["resourceMetrics"][0]["resource"])
        self.assertEqual(resource["service.name"], "mesh")
        self.assertEqual(resource["pingmesh.from.location"], "Paris,FR")
        self.assertEqual(resource["host.name"], "host1")
        self.check_last(list(sinks.points(receiver.documents()[-1])), node.samples())

    def check_last(self, points, samples):
        """The last request holds all that ever was, for it is cumulative."""
        outcomes = {}
        for sample in samples:
            key = (sample["url"], sample["outcome"])
            outcomes[key] = outcomes.get(key, 0) + 1
        self.assertEqual({(p["attributes"]["url.full"], p["attributes"]["pingmesh.outcome"]):
                          int(p["asInt"]) for name, _, p in points if name == "pingmesh.probes"},
                         outcomes)
        good = [sample for sample in samples if sample["outcome"] == "success"]
        (tcp,) = [p for name, _, p in points if name == "pingmesh.phase.duration" and
                  p["attributes"]["pingmesh.phase"] == "tcp"]
        self.assertEqual(int(tcp["count"]), len(good))
        self.assertEqual(sum(map(int, tcp["bucketCounts"])), len(good))
        self.assertEqual(len(tcp["bucketCounts"]), len(tcp["explicitBounds"]) + 1)
        self.assertAlmostEqual(tcp["sum"], sum(s["tcp_ns"] for s in good) / 1e9, places=6)
        self.assertEqual(tcp["attributes"]["pingmesh.to.location"], "Tokyo,JP")
        up = {p["attributes"]["url.full"]: p["asInt"] for name, _, p in points
              if name == "pingmesh.up"}
        self.assertEqual(sorted(up.values()), ["0", "1"])

    def test_a_partial_success_is_told_once(self):
        answer = {"partialSuccess": {"rejectedDataPoints": "2", "errorMessage": "too\nold"}}
        receiver = self.receiver(json.dumps(answer))
        node = self.node("--otlp-url", receiver.base, env={"OTEL_METRIC_EXPORT_INTERVAL": "1000"},
                         targets=[self.peer().url()])
        harness.wait_until("three requests", lambda: len(receiver.taken) >= 3)
        harness.wait_until("their count", lambda: self.counts(node, "otlp")[2] >= 6)
        node.stop()
        self.assertEqual(node.stderr.count("2 data points were rejected: too?old"), 1)


class Alerts(SinksTest):
    def test_one_event_an_incident_to_both(self):
        webhook = self.receiver(script=[("503 Busy", "")] * 2)
        sentry = self.receiver('{"id":"x"}')
        peer = self.peer()
        env = {"PINGMESH_WEBHOOK_URL": webhook.url("/hook?key=secret1"),
               "SENTRY_DSN": sentry.base.replace("http://", "http://secret2@") + "/7",
               "SENTRY_ENVIRONMENT": "test"}
        node = self.node(*EVENTS, env=env, targets=[peer.url(), self.peer("Oslo,NO").url()])
        harness.wait_until("samples", lambda: len(node.samples()) >= 4)
        peer.up = False
        harness.wait_until("the beginning", lambda: webhook.taken and sentry.taken)
        harness.wait_until("more failures", lambda: [
            s["outcome"] for s in node.samples()].count("closed") >= 5)
        peer.up = True
        harness.wait_until("the end", lambda: len(webhook.taken) == 2 and len(sentry.taken) == 2)
        time.sleep(1)
        node.stop()
        begin, end = webhook.documents()
        self.assertEqual([begin["event"], end["event"]], ["opened", "closed"])
        self.assertEqual(begin["incident"], end["incident"])
        self.assertEqual([begin["kind"], begin["to"], begin["from"], begin["outcome"]],
                         ["down", "Tokyo,JP", "Paris,FR", "closed"])
        self.assertEqual(begin["text"],
                         "Tokyo,JP, seen from Paris,FR, is down: 2 failures in a row")
        self.assertEqual([end["reason"], begin["reason"]], ["recovered", None])
        self.assertEqual([begin["peers"], begin["peers_down"], end["peers_down"]], [2, 1, 0])
        self.assertEqual(len(webhook.refused), 2)
        self.assertEqual({body for _, body in webhook.refused}, {webhook.taken[0][1]})
        self.check_sentry(sentry, begin["incident"])
        for secret in ("secret1", "secret2"):
            self.assertNotIn(secret, node.stderr)

    def check_sentry(self, sentry, incident):
        self.assertEqual(len(sentry.taken), 2)
        levels = []
        for request, body in sentry.taken:
            self.assertEqual(request.target, "/api/7/envelope/")
            self.assertIn("sentry_key=secret2", request.header("X-Sentry-Auth"))
            head, item, event = map(json.loads, body.splitlines())
            self.assertEqual(item, {"type": "event"})
            self.assertEqual(head["event_id"], event["event_id"])
            self.assertEqual(event["tags"]["incident"], incident)
            self.assertEqual(event["environment"], "test")
            levels.append(event["level"])
        self.assertEqual(levels, ["error", "info"])

    def test_secrets_are_not_shown(self):
        env = {"PINGMESH_WEBHOOK_URL": "http://127.0.0.1:9/secret1",
               "SENTRY_DSN": "http://secret2@127.0.0.1:9/7",
               "PINGMESH_CLICKHOUSE_PASSWORD": "secret3"}
        node = self.node(env=env)
        page = node.get("/v1/env").text
        printed = self.run_to_end("--print-config", "-s", 1, env=env).stdout
        for text in (page, printed, node.stderr):
            self.assertNotIn("secret", text)

    def test_wrong_use(self):
        rows = [(("--publish", "webhook"), {}, "--webhook-url is missing"),
                (("--publish", "file"), {}, "--publish-file is missing"),
                (("--publish", "clickhouse"), {}, "--clickhouse-url is missing"),
                (("--publish", "sentry"), {}, "SENTRY_DSN is missing"),
                (("--publish", "carrier-pigeon"), {}, "is none of: cloudwatch, otlp"),
                ((), {"PINGMESH_WEBHOOK_URL": "ftp://secret"}, "--webhook-url is no URL"),
                ((), {"SENTRY_DSN": "http://secret/1"}, "SENTRY_DSN is not of the form"),
                (("--otlp-url", "x"), {}, "--otlp-url: \"x\" is no URL"),
                (("--clickhouse-url", "http://x", "--clickhouse-table", "a b"), {},
                 "--clickhouse-table"),
                (("--alert-bad", 4, "--alert-of", 3), {}, "4 bad windows cannot be among 3"),
                (("--publish-file", "/nonexistent/x"), {}, "/nonexistent/x: no such file")]
        for arguments, env, words in rows:
            status = 1 if "nonexistent" in words else 2
            process = self.run_to_end(*arguments, "-n", 1, "127.0.0.1:9", env=env, status=status)
            self.assertIn(words, process.stderr)
            self.assertNotIn("secret", process.stderr)


class File(SinksTest):
    def test_the_console_s_lines_over_a_rotation(self):
        path, moved = self.directory / "samples.json", self.directory / "samples.json.1"
        # No server: SIGHUP counts all the same.
        process = self.start("-d", 1, "-n", 6, "-L", "Paris,FR", "--output", "json",
                             "--publish-file", path, self.peer().url())
        harness.wait_until("two lines", lambda: path.exists() and path.read_text().count("\n") >= 2)
        path.rename(moved)
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.wait(), 0, process.describe())
        self.assertEqual(moved.read_text() + path.read_text(), process.stdout)
        self.assertGreaterEqual(path.read_text().count("\n"), 1)

    def test_a_full_disk(self):
        node = self.node("--publish-file", "/dev/full", targets=[self.peer().url()])
        harness.wait_until("failures", lambda: self.counts(node, "file")[2] >= 3)
        node.stop()
        self.assertEqual(node.stderr.count("No space left on device"), 1)


class Trouble(SinksTest):
    PROBES = 6

    def kinds(self):
        return {
            "nobody": None,
            "silent": servers.silent_server(),
            "slow": servers.Server(servers.drips(servers.response("x" * 10000), 1)),
            "garbage": servers.Server(servers.says(b"\x00\xff nothing of HTTP\r\n\r\n" * 9)),
            "errors": servers.Server(servers.answers("no", "500 Oops")),
            "endless": servers.Server(servers.endless_body),
        }

    def test_no_receiver_disturbs_the_probes(self):
        """All network sinks of a node at once, at a receiver of each kind."""
        peer, dead = self.peer(), f"http://127.0.0.1:{self.dead_port()}/v1/ping"
        nodes = {}
        for kind, server in self.kinds().items():
            base = self.serve(server).base if server else f"http://127.0.0.1:{self.dead_port()}"
            nodes[kind] = self.start_node(
                "--no-grow", "-d", 1, "--output", "json", *EVENTS, "--otlp-url", base,
                "--clickhouse-url", base, "--clickhouse-interval", 1, "--webhook-url", base + "/",
                "--publish-file", self.directory / kind, peer.url(), dead,
                number=len(nodes) + 1, ready=False,
                env={"OTEL_METRIC_EXPORT_INTERVAL": "1000",
                     "SENTRY_DSN": base.replace("://", "://key@") + "/1"})
        for kind, node in nodes.items():
            harness.wait_until(kind, lambda: len(node.samples()) >= 2 * self.PROBES)
            self.check(kind, node)
        started = time.monotonic()
        for node in nodes.values():
            node.send_signal(signal.SIGTERM)
        for kind, node in nodes.items():
            self.assertEqual(node.wait(), 0, node.describe())
            self.assertEqual((self.directory / kind).read_text(), node.stdout)
        # Five seconds to flush, and what a slow machine needs; a try that nobody ends takes thirty
        # seconds by itself.
        self.assertLess(time.monotonic() - started, 28)

    def check(self, kind, node):
        samples = node.samples()
        by_url = {url: [s["time"] for s in samples if s["url"] == url]
                  for url in {s["url"] for s in samples}}
        self.assertEqual(len(by_url), 2, kind)
        values = self.metrics(node)
        late = sum(v for name, v in values.items() if name.startswith("pingmesh_late_probes_total"))
        self.assertEqual(late, 0, kind)
        printed = len(node.samples())
        for sink in ("otlp", "clickhouse", "webhook", "sentry", "file"):
            taken, dropped, failed = self.counts(node, sink)
            self.assertLessEqual(abs(taken - printed), 4, (kind, sink))
            self.assertEqual(dropped, 0, (kind, sink))
            # OTLP may not try a 500 again, and an answer of 200 that is not JSON is no receiver's.
            if sink == "otlp" and kind in ("errors", "endless"):
                self.assertGreater(failed, 0, (kind, sink))
            else:
                self.assertEqual(failed, 0, (kind, sink, node.describe()))


if __name__ == "__main__":
    unittest.main()
