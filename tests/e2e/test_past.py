"""/v1/history and /v1/profile of a real node: what one run measured, the next one tells, as JSON and
as pages; what cannot be answered is refused in words."""

import json
import os
import re
import socket
import unittest
from urllib.parse import quote

import harness
import servers


class PastTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, "state")
        os.mkdir(self.state)
        self.target = self.serve(servers.Server(servers.answers("ok"), self.address(2)))
        self.to = quote(self.target.url(), safe="")

    def node(self, *arguments):
        return self.start_node("--state-dir", self.state, "-d", 1, *arguments, self.target.url())

    def measured_node(self):
        """A node whose run before has measured, and written its open minute at its end."""
        node = self.node()
        harness.wait_until("two probes",
                           lambda: node.peers().get(self.target.url(), {}).get("Pings", 0) >= 2)
        node.stop()
        return self.node()

    def test_what_was_measured_is_told(self):
        node = self.measured_node()
        pairs = node.get("/v1/history").json()
        self.assertEqual([pair["url"] for pair in pairs["pairs"]], [self.target.url()])
        self.assertFalse(pairs["more"])

        answer = node.get(f"/v1/history?to={self.to}&since=-10m")
        self.assertEqual(answer.status, 200, answer.text)
        history = answer.json()
        self.assertEqual((history["phase"], history["step_s"]), ("tcp", 60))
        self.assertGreaterEqual(sum(row["n"] for row in history["rows"]), 2)
        for row in history["rows"]:
            self.assertLessEqual(row["p10_ns"], row["p50_ns"])
            self.assertLessEqual(row["p99_ns"], row["max_ns"])

        profile = node.get(f"/v1/profile?to={self.to}&zone=%2B05:30").json()
        self.assertEqual((profile["zone"], len(profile["cells"])), ("+05:30", 168))

    def test_the_open_minute_is_told(self):
        node = self.node()
        harness.wait_until("a successful probe",
                           lambda: node.peers().get(self.target.url(), {}).get("Pings", 0) > 0)

        def told(step):
            answer = node.get(f"/v1/history?to={self.to}&phase=total&step={step}").json()
            return answer if sum(row["n"] for row in answer["rows"]) >= 2 else None

        history = harness.wait_until("two probes of the minute", lambda: told("1m"), seconds=20)
        self.assertEqual(history["source"], "measured")
        means = history["rows"][-1]["mean_ns_by_phase"]
        self.assertEqual(list(means), ["dns", "tcp", "tls", "first", "last", "total"])
        self.assertGreater(means["total"], means["tcp"])
        self.assertIsNone(means["tls"])
        self.assertLessEqual(len(told("1h")["rows"]), 2)

    def test_a_week_tells_its_pattern(self):
        node = self.measured_node()
        zone = "+02:00,2026-10-25T01:00:00Z=+01:00"
        profile = node.get(f"/v1/profile?to={self.to}&zone={quote(zone)}").json()
        self.assertEqual(profile["zone"], zone)
        self.assertEqual(profile["pattern"],
                         {"daily": False, "weekly": False, "p_day": 1, "p_week": 1})
        self.assertEqual({cell["slow"] for cell in profile["cells"]}, {False})

    def test_a_pair_is_named_in_many_ways(self):
        node = self.measured_node()
        self_key = node.get("/v1/history").json()["pairs"][0]["from"]
        for path in (f"to={self.to}&from=self", f"to={self.to}&from={self_key}"):
            answer = node.get("/v1/history?" + path).json()
            self.assertEqual((answer["from"], answer["to"]), (self_key, self.target.url()))
        self.assertEqual(node.get(f"/v1/history?from={self.to}&to=self").status, 404)
        self.assertEqual(node.get("/v1/profile?by=location&to=Nowhere").status, 404)

    def test_the_pages_need_no_script(self):
        node = self.measured_node()
        for path in ("/v1/history?format=html", f"/v1/history?to={self.to}&format=html",
                     f"/v1/profile?to={self.to}&format=html"):
            answer = node.get(path)
            self.assertEqual((answer.status, answer.content_type), (200, "text/html"), path)
            self.assertNotIn("<script", answer.text)
            self.assertNotIn("style=", answer.text)
        self.assertRegex(node.get(f"/v1/history?to={self.to}&format=html").text,
                         r'<svg [^>]*role="img"[^>]*>\n<title(?s:.*)<rect class="l[0-3]"')

    def test_metrics_count_the_questions(self):
        node = self.measured_node()
        node.get(f"/v1/history?to={self.to}")
        text = node.get("/metrics").text
        self.assertEqual(re.search(r"^pingmesh_history_queries_total (\d+)$", text, re.M).group(1),
                         "1")

    def test_bad_questions_are_refused(self):
        node = self.node()
        for path, word in ((f"/v1/history?to={self.to}&since=yesterday", "since is no time"),
                           (f"/v1/history?to={self.to}&step=7", "whole minutes"),
                           (f"/v1/history?to={self.to}&phase=x", "phase is none of"),
                           (f"/v1/profile?to={self.to}&zone=Mars", "zone is none"),
                           ("/v1/profile", "to is missing")):
            answer = node.get(path)
            self.assertEqual(answer.status, 400, path)
            self.assertIn(word, json.loads(answer.text)["detail"])
        self.assertEqual(node.get("/v1/history?to=http://nobody.invalid/").status, 404)

    def test_what_is_known_and_not_yet_measured_is_empty(self):
        node = self.node("-L", "Here")
        silent = self.serve(servers.silent_server(self.address(3)))
        node.add_peer(silent.url())
        to = quote(silent.url(), safe="")
        history = node.get(f"/v1/history?to={to}&since=-2h&until=-1h&step=10m")
        self.assertEqual(history.status, 200, history.text)
        self.assertEqual((history.json()["rows"], history.json()["step_s"]), ([], 600))
        profile = node.get(f"/v1/profile?to={to}").json()
        self.assertEqual(sum(cell["sent"] for cell in profile["cells"]), 0)

    def test_clients_that_go_and_a_stop_leave_nothing(self):
        node = self.measured_node()
        request = f"GET /v1/history?to={self.to} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        for _ in range(20):
            with socket.create_connection((node.address, node.port)) as connection:
                connection.sendall(request)
        self.assertEqual(node.get(f"/v1/history?to={self.to}").status, 200)
        waiting = [socket.create_connection((node.address, node.port)) for _ in range(20)]
        for connection in waiting:
            connection.sendall(request)
        self.assertEqual(node.stop(), 0, node.describe())
        for connection in waiting:
            connection.close()


if __name__ == "__main__":
    unittest.main()
