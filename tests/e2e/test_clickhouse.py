"""Publishing to a real ClickHouse (Debian's): two shards, every sample once, the docs' queries."""

import gzip
import sys
import threading
import unittest

import clickhouse
import harness
import servers


class Proxy(servers.Server):
    """In front of the server; takes away the answers of the first few requests, which were done."""

    def __init__(self, upstream, swallowed):
        super().__init__(self._pass_on)
        self.upstream, self.left = upstream, swallowed
        self.lock = threading.Lock()
        self.rows = []

    def _pass_on(self, connection, request):
        body = request.rest
        while len(body) < int(request.header("Content-Length")):
            body += connection.recv(65536)
        upstream = harness.connection_to("127.0.0.1", self.upstream.http)
        headers = {name: value for name, value in request.headers
                   if name.lower() not in ("host", "connection")}
        upstream.request(request.method, request.target, body, headers)
        answer = upstream.getresponse()
        text = answer.read()
        upstream.close()
        with self.lock:
            self.rows += gzip.decompress(body).splitlines()
            self.left -= 1
            if self.left >= 0:
                return
        connection.sendall(servers.response(text, f"{answer.status} {answer.reason}"))


class ClickHouseTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.shards = clickhouse.two_shards(self.directory / "clickhouse")
        for shard in self.shards:
            self.addCleanup(shard.stop)
            shard.start()
        for shard in self.shards:
            harness.wait_until("the server", shard.is_ready)

    def tearDown(self):
        for shard in self.shards:
            shard.stop()
        super().tearDown()

    def create(self, name, change=lambda text: text):
        text = change((clickhouse.DDL / name).read_text(encoding="utf-8"))
        for shard in self.shards:
            shard.run(clickhouse.statements(text))

    def targets(self, count):
        return [self.serve(servers.Server(servers.answers(servers.ping_page(f"Place{i},XX"))))
                .url() for i in range(count)]

    def measure(self, base, *arguments, targets, env=None):
        return self.start("-n", 5, "-d", 1, "-L", "Paris,FR", "--output", "json",
                          "--clickhouse-url", base, "--clickhouse-interval", 1, *arguments,
                          *targets, env=env)

    def assert_same(self, server, process, table):
        """Each sample that the node printed is there once, with the same figures."""
        printed = sorted([str(sample["tcp_ns"]), str(sample["total_ns"]), sample["url"],
                          sample["outcome"], sample["verdict"], sample["to"], sample["from"]]
                         for sample in process.samples())
        stored = sorted(server.rows(
            "SELECT tcp_ns, total_ns, target, outcome, verdict, to_location, from_location "
            f"FROM {table}"))
        self.assertEqual(stored, printed, process.describe())

    def test_two_shards_hold_every_sample_once(self):
        self.create("cluster.sql", clickhouse.without_replication)
        first, second = self.shards
        proxy = self.serve(Proxy(first, swallowed=2))
        dead = f"http://127.0.0.1:{self.dead_port()}/v1/ping"
        process = self.measure(proxy.base, targets=self.targets(4))
        other = self.measure(second.base, "-f", 3, targets=[dead])
        self.assertEqual(process.wait(), 0, process.describe())
        self.assertEqual(other.wait(), 3, other.describe())
        expected = len(process.samples()) + len(other.samples())
        self.assertEqual(len(process.samples()), 20)
        harness.wait_until("all samples", lambda: first.number(
            "SELECT count() FROM pingmesh.probes") == expected)
        # The two inserts whose answers were lost came again, the same bytes.
        self.assertEqual(len(set(proxy.rows)), 20)
        self.assertGreater(len(proxy.rows), 20)
        self.assertEqual(first.number("SELECT count() FROM pingmesh.probes"), expected)
        self.assertEqual(second.number("SELECT count() FROM pingmesh.probes"), expected)
        self.assertEqual(first.number("SELECT uniqExact(node, seq) FROM pingmesh.samples"), expected)
        held = [shard.number("SELECT count() FROM pingmesh.samples_local FINAL")
                for shard in self.shards]
        self.assertEqual(sum(held), expected)
        for shard in self.shards:
            shard.query("OPTIMIZE TABLE pingmesh.samples_local FINAL")
        self.assertEqual(first.number("SELECT count() FROM pingmesh.samples"), expected)
        # The server's zone is not UTC; at is right all the same.
        self.assertEqual(first.number(
            "SELECT countIf(toUnixTimestamp(at) != intDiv(at_ns, 1000000000)) FROM pingmesh.probes"), 0)
        self.check_examples(first)

    def check_examples(self, server):
        queries = clickhouse.example_queries()
        self.assertGreaterEqual(len(queries), 5)
        for query in queries:
            rows = server.rows(query)
            if "ANY INNER JOIN" not in query:  # nobody measured the way back
                self.assertTrue(rows, query)

    def test_one_server_with_a_user_and_a_password(self):
        self.create("single.sql")
        server = self.shards[0]
        env = {"PINGMESH_CLICKHOUSE_USER": "writer",
               "PINGMESH_CLICKHOUSE_PASSWORD": "of the writer"}
        process = self.measure(server.base, targets=self.targets(2), env=env)
        self.assertEqual(process.wait(), 0, process.describe())
        self.assert_same(server, process, "pingmesh.probes")
        wrong = self.measure(server.base, targets=self.targets(1),
                             env={**env, "PINGMESH_CLICKHOUSE_PASSWORD": "of nobody"})
        self.assertEqual(wrong.wait(), 0, wrong.describe())
        self.assertEqual(wrong.stderr.count("trying again"), 1, wrong.describe())
        self.assertIn("Code: ", wrong.stderr)
        self.assertNotIn("of nobody", wrong.stderr)

    def test_a_table_that_comes_later(self):
        server = self.shards[0]
        process = self.measure(server.base, targets=self.targets(1))
        harness.wait_until("the complaint", lambda: "Code: " in process.stderr)
        self.create("single.sql")
        self.assertEqual(process.wait(), 0, process.describe())
        self.assert_same(server, process, "pingmesh.probes")


if __name__ == "__main__":
    if clickhouse.PROGRAM is None:
        print("clickhouse-server is not installed")
        sys.exit(77)
    unittest.main()
