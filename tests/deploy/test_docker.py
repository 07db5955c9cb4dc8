"""The image, built by a real engine and run as people run it; and deploy/compose.yaml, whose five
nodes grow into a mesh that Prometheus finds."""

import json
import os
import signal
import unittest
import urllib.request

import roots
import engine as engines
import harness

engine = None
IMAGE_BYTES_MAX = 40 << 20
LOCKED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
CHECKS = ["--health-interval", "1s", "--health-retries", "1", "--health-timeout", "5s"]
NODES = ["master", "paris", "tokyo", "sydney", "saopaulo"]


def setUpModule():
    global engine
    engine = engines.Engine()
    try:
        engine.image()
        engine.docker("network", "create", "mesh", check=False)  # an earlier run's will do
    except BaseException:
        engine.close()
        raise


def tearDownModule():
    engine.close()


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Container:
    def __init__(self, test, *arguments, options=()):
        self.id = engine.docker("run", "--detach", "--network", "mesh", *options, "pingmesh",
                                *arguments).stdout.strip()
        test.addCleanup(engine.docker, "rm", "--force", "--volumes", self.id, check=False)

    def inspect(self, what):
        return json.loads(engine.docker("inspect", "--format", f"{{{{json {what}}}}}",
                                        self.id).stdout)

    @property
    def address(self):
        return self.inspect(".NetworkSettings.Networks.mesh.IPAddress")

    @property
    def health(self):
        return self.inspect(".State.Health.Status")

    def log(self):
        done = engine.docker("logs", self.id)
        return done.stdout + done.stderr

    def wait_for(self, health):
        harness.wait_until(f"{health}: {self.log()}", lambda: self.health == health, pause=0.5)


class Image(unittest.TestCase):
    def test_what_it_is(self):
        image = json.loads(engine.docker("inspect", "pingmesh").stdout)[0]
        config = image["Config"]
        self.assertLess(image["Size"], IMAGE_BYTES_MAX)
        self.assertEqual(config["User"], "65532:65532")
        self.assertEqual(config["Healthcheck"]["Test"], ["CMD", "/usr/bin/pingmesh", "--healthcheck"])
        self.assertEqual(list(config["Volumes"]), ["/var/lib/pingmesh"])
        for label in ("title", "description", "licenses", "version", "revision"):
            self.assertTrue(config["Labels"][f"org.opencontainers.image.{label}"])

    def test_there_is_no_shell_in_it(self):
        done = engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", "pingmesh",
                             check=False)
        self.assertEqual(done.returncode, 127, done.stderr)

    def test_avgping_is_in_it(self):
        done = engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/usr/bin/avgping",
                             "pingmesh", "-h")
        self.assertIn("Usage: avgping", done.stdout)


class Running(unittest.TestCase):
    def test_locked_down(self):
        """As the manifests run it: nothing to write to but the volume, no capability."""
        container = Container(self, options=[*LOCKED, *CHECKS])
        container.wait_for("healthy")
        self.assertEqual(get_json(f"http://{container.address}:8080/v1/history")["pairs"], [])
        self.assertNotIn("memory", container.log())  # the history is in the volume
        engine.docker("stop", "--time", "20", container.id)
        self.assertEqual(container.inspect(".State.ExitCode"), 0, container.log())

    def test_the_dashboard_is_in_it(self):
        container = Container(self, options=CHECKS)
        container.wait_for("healthy")
        request = urllib.request.Request(f"http://{container.address}:8080/",
                                         headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertIn("<script", answer.read().decode())

    def test_as_the_old_image_was_started(self):
        """-c -s 80 -r 443: a low port without root, and the health check finds it by itself."""
        for init in ([], ["--init"]):
            container = Container(self, "-c", "-s", "80", "-r", "443",
                                  options=[*LOCKED, *CHECKS, *init])
            container.wait_for("healthy")
            with urllib.request.urlopen(f"http://{container.address}/v1/ping", timeout=10) as answer:
                self.assertEqual(answer.status, 200)

    def test_a_node_that_hangs_is_unhealthy(self):
        container = Container(self, options=CHECKS)
        container.wait_for("healthy")
        pid = container.inspect(".State.Pid")
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        container.wait_for("unhealthy")

    def test_a_node_without_a_server_is_well(self):
        container = Container(self, "http://192.0.2.1/", options=CHECKS)
        container.wait_for("healthy")

    def test_its_identity_outlives_the_container(self):
        engine.docker("volume", "create", "state")
        self.addCleanup(engine.docker, "volume", "rm", "state", check=False)
        ids = []
        for _ in range(2):
            container = Container(self, options=[*CHECKS, "--volume", "state:/var/lib/pingmesh"])
            container.wait_for("healthy")
            engine.docker("stop", "--time", "20", container.id)
            copy = roots.WORK / "mesh.state"
            engine.docker("cp", f"{container.id}:/var/lib/pingmesh/mesh.state", copy)
            ids.append(copy.read_text(encoding="utf-8").splitlines()[1])
        self.assertRegex(ids[0], "^id [0-9a-f]{32}$")
        self.assertEqual(ids[0], ids[1])


class Compose(unittest.TestCase):
    def setUp(self):
        self.ports = {8080: harness.free_port("127.0.0.1"), 9090: harness.free_port("127.0.0.1")}
        text = (roots.SOURCE / "deploy" / "compose.yaml").read_text(encoding="utf-8")
        for inside, outside in self.ports.items():
            text = text.replace(f"127.0.0.1:{inside}:", f"127.0.0.1:{outside}:")
        self.file = roots.WORK / "compose.yaml"
        self.file.write_text(text, encoding="utf-8")
        self.prometheus_image()

    def prometheus_image(self):
        """Debian's Prometheus where the registry's would be."""
        roots.need("prometheus")
        context = roots.WORK / "prometheus"
        context.mkdir(exist_ok=True)
        program = roots.run("sh", "-c", "command -v prometheus").stdout.strip()
        roots.run("cp", "--dereference", program, context / "prometheus")
        (context / "Dockerfile").write_text(
            "FROM debian:12-slim\nCOPY prometheus /bin/prometheus\n"
            "RUN mkdir /prometheus\nENTRYPOINT [\"/bin/prometheus\"]\n", encoding="utf-8")
        engine.docker("build", "--tag", "prom/prometheus", context, seconds=300)

    def compose(self, *arguments, **more):
        return engine.compose("--project-directory", roots.SOURCE / "deploy", "-p", "pmtest",
                              "-f", self.file, *arguments, **more)

    def node_address(self, name):
        container = self.compose("ps", "--quiet", name).stdout.strip()
        return json.loads(engine.docker(
            "inspect", "--format",
            "{{range .NetworkSettings.Networks}}{{json .IPAddress}}{{end}}", container).stdout)

    def test_the_mesh_grows_and_prometheus_finds_it(self):
        self.addCleanup(self.compose, "down", "--volumes")
        self.compose("up", "--detach")
        addresses = [self.node_address(name) for name in NODES]

        def measured(address):
            """Addresses; the master has a name as well, by which the others measure it, too."""
            peers = get_json(f"http://{address}:8080/v1/peers")["Peers"] or []
            return {peer["PeerIP"] for peer in peers if peer["Pings"] > 0}

        harness.wait_until(
            "every node has measured every other one",
            lambda: all(measured(address) == set(addresses) - {address} for address in addresses),
            120, 1)
        master = f"http://127.0.0.1:{self.ports[8080]}"
        places = {peer["Location"] for peer in get_json(f"{master}/v1/peers")["Peers"]}
        self.assertEqual(places, {"Paris,FR", "Tokyo,JP", "Sydney,AU", "Sao Paulo,BR"})

        def places_in_prometheus():
            query = f"http://127.0.0.1:{self.ports[9090]}/api/v1/query?query=up%3D%3D1"
            try:
                result = get_json(query)["data"]["result"]
            except OSError:
                return set()
            return {row["metric"].get("location") for row in result}

        harness.wait_until("Prometheus scrapes all five",
                           lambda: len(places_in_prometheus()) == 5, 120, 1)


if __name__ == "__main__":
    unittest.main()
