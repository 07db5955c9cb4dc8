#!/usr/bin/env python3
"""A real Prometheus server that knows one node finds and scrapes the mesh, nodes that join later
included. Its tools accept our metrics and rules, and each query of the dashboard returns data."""
import json
import re
import shutil
import subprocess
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request

import growth
import harness

DEPLOY = harness.SOURCE / "deploy"
SKIPPED = 77
SCRAPE_S = 1


def promtool(*arguments, cwd=None, stdin=None):
    return subprocess.run(["promtool", *map(str, arguments)], cwd=cwd, input=stdin, text=True,
                          capture_output=True, timeout=harness.DEADLINE_S, check=False)


class Prometheus(harness.Process):
    """Configured with nothing but one node's /v1/sd, and our rules."""

    def __init__(self, directory, node):
        self.port = harness.free_port("127.0.0.1")
        rules = DEPLOY / "prometheus" / "pingmesh.rules.yml"
        configuration = directory / "prometheus.yml"
        configuration.write_text(f"""
global: {{scrape_interval: {SCRAPE_S}s, evaluation_interval: {SCRAPE_S}s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: pingmesh
    http_sd_configs: [{{url: "{node.url('/v1/sd')}", refresh_interval: {SCRAPE_S}s}}]
    relabel_configs:
      - {{source_labels: [__meta_pingmesh_location], target_label: location}}
""")
        super().__init__(["prometheus", f"--config.file={configuration}",
                          f"--storage.tsdb.path={directory}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}"], directory)

    def api(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=harness.DEADLINE_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:  # it is starting
                return None
            raise AssertionError(f"{query}: {error.read().decode()}") from None
        except OSError:
            return None

    def query(self, expression):
        data = self.api("query", query=expression)
        return data["result"] if data else []

    def scraped(self):
        targets = self.api("targets", state="active")
        return {target["labels"]["instance"] for target in (targets or {}).get("activeTargets", [])
                if target["health"] == "up"}


def dashboard_queries():
    """As Grafana would send them: its variables filled in."""
    dashboard = json.loads((DEPLOY / "grafana" / "pingmesh.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", f"{10 * SCRAPE_S}s")
            yield panel["title"], re.sub(r"\$(from|to|job)\b", ".*", expression)


class PrometheusTest(growth.GrowthTest):
    def test_rules(self):
        rules = DEPLOY / "prometheus"
        for words in (["check", "rules", "pingmesh.rules.yml"],
                      ["test", "rules", "pingmesh.rules.test.yml"],
                      ["check", "config", "prometheus.yml"]):
            result = promtool(*words, cwd=rules)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_a_mesh_is_found_through_one_node(self):
        nodes = self.start_mesh(range(1, 5))
        server = Prometheus(self.directory, nodes[0])
        self.processes.append(server)
        instances = {f"{node.address}:{node.port}" for node in nodes}
        harness.wait_until("the mesh is scraped", lambda: server.scraped() == instances)

        late = self.start_member(seed=nodes[2], number=5)
        self.wait_ready([late])
        instances.add(f"{late.address}:{late.port}")
        harness.wait_until("the new node is scraped, too", lambda: server.scraped() == instances)
        harness.wait_until("each place measures each other",
                           lambda: len(server.query("count by (from, to) (probe_success == 1)"))
                           == len(instances) * (len(instances) - 1))
        self.check_dashboard(server)
        self.check_metrics(nodes[0])

        late.stop()
        gone = f'probe_success{{target=~"http://{re.escape(late.address)}:.*"}}'.replace("\\", "\\\\")
        harness.wait_until("its series end", lambda: server.query(gone) == [],
                           growth.DEATH_S + 300 * SCRAPE_S)

    def check_dashboard(self, server):
        for title, expression in dashboard_queries():
            with self.subTest(panel=title):
                harness.wait_until(f"data for {expression}", lambda: server.query(expression),
                                   seconds=30)

    def check_metrics(self, node):
        text = node.get("/metrics")
        self.assertEqual(text.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        result = promtool("check", "metrics", stdin=text.text)
        self.assertEqual((result.returncode, result.stdout + result.stderr), (0, ""))


if __name__ == "__main__":
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        print("skipped: needs Debian's package prometheus")
        sys.exit(SKIPPED)
    unittest.main()
