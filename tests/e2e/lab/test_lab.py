"""A node in the delay laboratory: what it reports is what the cable did, and nothing else.

What the cable wrote down about each handshake is the truth here, not the clock of a busy machine:
the round trip that a prober can see contains the cable's, so that it is never shorter, and the
kernel's own figure is hardly longer.
"""

import pathlib
import statistics
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import harness
import lab
import samples

PORT = 8080
TOKEN = "operator-of-the-laboratory"
MS = 1_000_000
ROUNDING_NS = 2_000  # the kernel counts microseconds, and the cable's arrival stamps do
SAMPLES = 8          # per peer


class Prober(harness.Node):
    def peers_of_operator(self):
        """Looked at from outside its host, which only who has the token may."""
        document = self.get("/v1/peers", Authorization=f"Bearer {TOKEN}").json()
        return {peer["Url"]: peer for peer in document["Peers"]}


class LabTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.build()
        self.addCleanup(lambda: self.network.close())
        if not self.network.cable.has_record:
            self.skipTest("netem keeps no record of handshakes")

    def build(self):
        self.network = lab.Lab(self.directory)
        self.prober, self.near, self.far = (self.network.host() for _ in range(3))

    def tearDown(self):
        overflowed = self.network.overflowed()
        super().tearDown()  # ends the processes, before the network goes
        self.assertEqual(overflowed, 0, "the laboratory itself lost packets")

    def serve(self, host):
        answerer = host.answerer(PORT)
        self.addCleanup(answerer.stop)
        return f"http://{host.address}:{PORT}/v1/ping"

    def start_prober(self, *arguments, env=None):
        node = Prober(self.prober.command([harness.PINGMESH, *arguments]), self.directory, env,
                      self.prober.address, PORT)
        self.processes.append(node)
        return node

    def joined(self, node):
        """Each successful sample with its handshake."""
        index = lab.HandshakeIndex(self.network.handshakes())
        return [(sample, index.find(sample["remote"], samples.started_ns(sample)))
                for sample in node.samples() if sample["outcome"] == "success"]

    def check_reported(self, pairs):
        """Of one peer: every sample has its handshake and is no shorter; most are hardly longer."""
        self.assertTrue(all(handshake for _, handshake in pairs))
        for sample, handshake in pairs:
            least_ns = handshake.rtt_ns - handshake.unsure_ns - ROUNDING_NS
            self.assertGreaterEqual(sample["tcp_ns"], least_ns, (sample, handshake))
        self.assertEqual({sample["timed_by"]["tcp"] for sample, _ in pairs}, {"kernel"})
        self.assertLess(statistics.median(sample["tcp_ns"] / handshake.rtt_ns
                                          for sample, handshake in pairs), 1.1)

    def check_loss(self, peer, at_least):
        """As the node itself counts it: no less than so many handshakes, and no more than the cable."""
        stats = peer["Mesh"]["Stats"]["10m"]
        self.assertGreaterEqual(stats["TrialsLost"], at_least)
        self.assertLessEqual(stats["TrialsLost"], self.network.counts(self.far, self.prober).cut)
        self.assertEqual(stats["TrialsLost"] > 0, at_least > 0, stats)
        self.assertEqual(stats["Lost"], peer["Fails"])

    def of_host(self, pairs, host):
        return [pair for pair in pairs if pair[0]["remote"] == host.address]

    def test_delays_of_each_direction(self):
        self.network.set(self.prober, self.near, delay_ms=4)
        self.network.set(self.near, self.prober, delay_ms=11)
        self.network.set(self.prober, self.far, delay_ms=60, jitter_ms=20)
        self.network.set(self.far, self.prober, delay_ms=25)
        node = self.start_prober("-n", SAMPLES, "-d", 1, "--output", "json",
                                 self.serve(self.near), self.serve(self.far))
        self.assertEqual(node.wait(), 0, node.describe())
        pairs = self.joined(node)
        near, far = self.of_host(pairs, self.near), self.of_host(pairs, self.far)
        self.assertEqual([len(near), len(far)], [SAMPLES, SAMPLES])
        self.check_reported(near)
        self.check_reported(far)
        for of_host, there_ms, back_ms in ((near, 4, 11), (far, 40, 25)):
            for _, handshake in of_host:
                self.assertGreaterEqual(handshake.there_ns, there_ms * MS)
                self.assertGreaterEqual(handshake.back_ns, back_ms * MS)
                self.assertEqual((handshake.syns, handshake.syns_lost), (1, 0))
        jittered = [handshake.there_ns for _, handshake in far]
        self.assertGreater(max(jittered) - min(jittered), 4 * MS)

    def test_a_cut_is_seen_where_it_is(self):
        self.network.set_both(self.prober, self.near, delay_ms=5)
        self.network.set_both(self.prober, self.far, delay_ms=5)
        near, far = self.serve(self.near), self.serve(self.far)
        node = self.start_prober("-s", PORT, "--no-grow", "-d", 1, "--connect-timeout", 2,
                                 "--output", "json", near, far, env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        outcomes = lambda url: [sample["outcome"] for sample in node.samples()
                                if sample["url"] == url]
        harness.wait_until("both answer", lambda: all("success" in outcomes(url)
                                                      for url in (near, far)))
        self.network.set(self.far, self.prober, delay_ms=5, cut=True)
        harness.wait_until("the cut shows", lambda: "timeout" in outcomes(far))
        self.network.set(self.far, self.prober, delay_ms=5)
        harness.wait_until("the far host answers again", lambda: outcomes(far)[-1] == "success")
        peers = node.peers_of_operator()
        self.assertEqual(node.stop(), 0)
        self.check_loss(peers[near], 0)
        self.check_loss(peers[far], outcomes(far).count("timeout"))
        self.assertEqual(set(outcomes(near)), {"success"})
        self.assertEqual(set(outcomes(far)), {"success", "timeout"})
        cut = self.network.counts(self.far, self.prober)
        self.assertGreaterEqual(cut.synacks_lost, outcomes(far).count("timeout"))
        self.assertEqual(self.network.counts(self.near, self.prober).cut, 0)

    def test_the_same_seed_loses_the_same(self):
        """Of a hundred packets in order, twice."""
        self.network.set(self.prober, self.near, loss=0.3)
        first = self.lost_of_a_hundred()
        self.network.close()
        self.build()
        self.network.set(self.prober, self.near, loss=0.3)
        self.assertEqual(self.lost_of_a_hundred(), first)
        self.assertTrue(10 < len(first) < 60, first)

    def lost_of_a_hundred(self):
        """Which of a hundred datagrams, sent one after the other, were lost."""
        lost = []
        sender = ["python3", "-c", DATAGRAMS, self.near.address]
        with self.prober.popen(sender, stdin=-1, stdout=-1, text=True) as process:
            for number in range(100):
                before = self.network.counts(self.prober, self.near)
                print(file=process.stdin, flush=True)
                process.stdout.readline()
                harness.wait_until("it passed the cable", lambda: self.network.counts(
                    self.prober, self.near).packets > before.packets, pause=0.001)
                if self.network.counts(self.prober, self.near).lost > before.lost:
                    lost.append(number)
        return lost


DATAGRAMS = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in sys.stdin:
    try:
        sender.sendto(b"x", (sys.argv[1], 9))
    except ConnectionRefusedError:  # of an earlier one
        sender.sendto(b"x", (sys.argv[1], 9))
    print(flush=True)
"""


if __name__ == "__main__":
    lab.enter_or_skip()
    unittest.main()
