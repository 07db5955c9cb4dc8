#!/usr/bin/env python3
"""CPU and memory of a node beside nginx, wrk, Prometheus' blackbox exporter and a bare epoll loop,
measured in the same run.

Absolute figures are this machine's; the ratios carry over. Each comparison is run in turn, A B A B,
and the medians are compared. Traffic goes to loopback only, and every load ends by itself.
"""
import argparse
import http.server
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
ROUNDS = 3
WRK_SECONDS = 5
PROBE_WARM_SECONDS = 8
PROBE_SECONDS = 15
HTTP_TARGETS, HTTPS_TARGETS = 1000, 200  # a second, of the comparison
SCRAPES_AT_ONCE = 8
PUBLISH_SECONDS = 90
BODY = "<html><head><title>Lab</title></head><body><p>Served from Lab\\n</body></html>"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kb(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"no {name} for process {pid}")


def wait_for(port, address="127.0.0.1"):
    for _ in range(200):
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {address}:{port}")


class Nginx:
    """One worker that answers every path with a page like a node's. tls: over https, too."""

    def __init__(self, directory, tls=False):
        self.port, self.tls_port = free_port(), free_port()
        secure = self.secure_listener(directory) if tls else ""
        conf = directory / "nginx.conf"
        conf.write_text(f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off; client_body_temp_path {directory}; proxy_temp_path {directory};
  fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
    listen {self.port} backlog=4096; default_type text/html; {secure}
    location / {{ return 200 "{BODY}"; }}
    location = /count {{ stub_status; }}
  }}
}}""")
        self.process = subprocess.Popen(["nginx", "-c", str(conf), "-p", str(directory)],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.port)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.worker = int(children.read_text().split()[0])

    def secure_listener(self, directory):
        names = ",".join("IP:" + urllib.parse.urlsplit(url).hostname
                         for url in targets(HTTPS_TARGETS, self.tls_port))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=lab",
                        "-addext", f"subjectAltName={names}",
                        "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                       check=True, stderr=subprocess.DEVNULL)
        self.certificate = directory / "cert.pem"
        return (f"listen {self.tls_port} ssl backlog=4096; ssl_certificate {directory}/cert.pem; "
                f"ssl_certificate_key {directory}/key.pem;")

    def requests(self):
        """How many it has answered, this question included."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as answer:
            return int(re.search(r"\d+ \d+ (\d+)", answer.read().decode()).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def run_wrk(url):
    """Requests made on connections of their own, and wrk's CPU seconds for them."""
    process = subprocess.Popen(
        ["wrk", "-t1", "-c64", f"-d{WRK_SECONDS}s", "-H", "Connection: close", url],
        stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    if not requests:
        sys.exit(f"wrk made no request:\n{output}")
    return requests, usage.ru_utime + usage.ru_stime


class Node:
    def __init__(self, binary, arguments, environment=None):
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=environment)

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            sys.exit(f"the node ended with status {self.process.returncode}")


def bench_serve(binary, directory):
    """µs of server CPU per /v1/ping on a new connection."""
    nginx = Nginx(directory)
    port = free_port()
    node = Node(binary, ["-q", "-s", str(port), "-L", "Lab"])
    wait_for(port)
    figures = {"pingmesh": [], "nginx": []}
    try:
        for _ in range(ROUNDS):
            for name, pid, url in (("pingmesh", node.process.pid, f"http://127.0.0.1:{port}/v1/ping"),
                                   ("nginx", nginx.worker, f"http://127.0.0.1:{nginx.port}/v1/ping")):
                before = cpu_seconds(pid)
                requests, _ = run_wrk(url)
                figures[name].append((cpu_seconds(pid) - before) / requests * 1e6)
    finally:
        node.stop()
        nginx.stop()
    ours, theirs = (statistics.median(figures[name]) for name in ("pingmesh", "nginx"))
    row("serve /v1/ping, new connection", f"{ours:.1f} µs", f"nginx {theirs:.1f} µs", ours / theirs,
        1.2)


def targets(count, port, scheme="http"):
    """Spread over addresses: one address and port would run out of local ports."""
    return [f"{scheme}://127.{1 + i // 62500}.{1 + i // 250 % 250}.{1 + i % 250}:{port}/v1/ping"
            for i in range(count)]


def probe_cost(binary, nginx, count, scheme="http"):
    """µs of CPU per probe, and RSS, of a node with so many targets at 1 s."""
    secure = scheme == "https"
    port, trust = (nginx.tls_port, ["--ca", nginx.certificate]) if secure else (nginx.port, [])
    node = Node(binary, ["-q", "-d", "1", "-L", "Lab", *trust, *targets(count, port, scheme)])
    try:
        time.sleep(PROBE_WARM_SECONDS)
        requests, cpu = nginx.requests(), cpu_seconds(node.process.pid)
        time.sleep(PROBE_SECONDS)
        probes = nginx.requests() - requests - 1
        cpu = cpu_seconds(node.process.pid) - cpu
        rss = memory_kb(node.process.pid, "VmRSS")
    finally:
        node.stop()
    expected = count * PROBE_SECONDS
    if not 0.9 * expected < probes < 1.1 * expected:
        print(f"note: {probes} probes of {count} targets in {PROBE_SECONDS} s", flush=True)
    return cpu / probes * 1e6, rss


def bench_probe(binary, directory):
    """µs of CPU per http probe, beside wrk's per request, at 100, 1,000 and 5,000 targets."""
    nginx = Nginx(directory)
    cost, wrk, rss = {}, [], {}
    try:
        url = f"http://127.0.0.1:{nginx.port}/v1/ping"
        for count in (100, 1000, 5000):
            requests, cpu = run_wrk(url)
            wrk.append(cpu / requests * 1e6)
            cost[count], rss[count] = probe_cost(binary, nginx, count)
    finally:
        nginx.stop()
    theirs = statistics.median(wrk)
    row("probe, 1,000 targets at 1 s", f"{cost[1000]:.1f} µs", f"wrk {theirs:.1f} µs",
        cost[1000] / theirs, 2.0)
    row("probe, 5,000 targets at 1 s", f"{cost[5000]:.1f} µs", f"wrk {theirs:.1f} µs",
        cost[5000] / theirs, 2.0)
    row("probe, 5,000 against 100 targets", f"{cost[5000]:.1f} µs", f"at 100 {cost[100]:.1f} µs",
        cost[5000] / cost[100], 1.4)
    row("RSS with 1,000 targets", f"{rss[1000] / 1024:.1f} MB", "bar 40 MB", rss[1000] / 1024 / 40,
        1.0)


def bench_scrape(binary, directory):
    """ms of CPU that a scrape of /metrics takes with 1,000 targets."""
    nginx = Nginx(directory)
    port, idle_s, scrapes = free_port(), 10, 10
    node = Node(binary, ["-q", "-s", str(port), "-d", "3600", "-L", "Lab", "--no-grow",
                         *targets(1000, nginx.port)])
    try:
        wait_for(port)
        time.sleep(PROBE_WARM_SECONDS + 10)  # each has been probed once
        before = cpu_seconds(node.process.pid)
        time.sleep(idle_s)
        idle = (cpu_seconds(node.process.pid) - before) / idle_s
        began, before = time.monotonic(), cpu_seconds(node.process.pid)
        for _ in range(scrapes):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                size = len(answer.read())
            time.sleep(1)  # past the time for which a scrape is kept
        cpu = cpu_seconds(node.process.pid) - before - idle * (time.monotonic() - began)
    finally:
        node.stop()
        nginx.stop()
    took = cpu / scrapes * 1000
    row("/metrics of 1,000 targets", f"{took:.1f} ms", f"of {size / 1e6:.1f} MB, 20 ms", took / 20,
        1.0)


class CloudWatchStub(http.server.BaseHTTPRequestHandler):
    """Takes every request, and says nothing."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def publishing_cost(binary, nginx, endpoint):
    """Seconds of CPU of a node with 1,000 targets at 10 s over a flush interval and a half; with an
    endpoint it publishes there, and is scraped every 15 s."""
    port = free_port()
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint or "", "AWS_REGION": "eu-north-1",
                   "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
    node = Node(binary, ["-q", "-s", str(port), "-d", "10", "-L", "Lab", "--no-grow",
                         *(["-c"] if endpoint else []), *targets(1000, nginx.port)], environment)
    try:
        wait_for(port)
        time.sleep(2 * PROBE_WARM_SECONDS)
        before = cpu_seconds(node.process.pid)
        for _ in range(PUBLISH_SECONDS // 15):
            time.sleep(15)
            if endpoint:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read()
        return cpu_seconds(node.process.pid) - before
    finally:
        node.stop()


def bench_publish(binary, directory):
    """What CloudWatch and a scrape every 15 s add to the CPU of a node with 1,000 targets."""
    nginx = Nginx(directory)
    stub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CloudWatchStub)
    stub.requests = 0
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    try:
        plain = publishing_cost(binary, nginx, None)
        published = publishing_cost(binary, nginx, f"http://127.0.0.1:{stub.server_port}")
    finally:
        stub.shutdown()
        nginx.stop()
    if not stub.requests:
        sys.exit("nothing was published")
    row("CPU with CloudWatch and scrapes", f"{published:.2f} s", f"without {plain:.2f} s",
        published / plain, 1.1)


def bench_idle(binary, _directory):
    """RssAnon of a node that serves and has nothing to do."""
    port = free_port()
    node = Node(binary, ["-q", "-s", str(port), "-L", "Lab"])
    try:
        wait_for(port)
        time.sleep(2)
        anon = memory_kb(node.process.pid, "RssAnon") / 1024
    finally:
        node.stop()
    row("idle RssAnon", f"{anon:.2f} MB", "bar 4 MB", anon / 4, 1.0)


EXPORTER_CONFIG = """
modules:
  http: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4,
    tls_config: {ca_file: CERTIFICATE}}}
"""


class Exporter:
    def __init__(self, directory, certificate):
        self.port = free_port()
        config = directory / "exporter.yml"
        config.write_text(EXPORTER_CONFIG.replace("CERTIFICATE", str(certificate)))
        self.process = subprocess.Popen(
            ["prometheus-blackbox-exporter", f"--config.file={config}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)

    def cost(self, nginx, directory, urls):
        """µs of its CPU per probe, while it is asked without pause, on connections that are kept, as
        a Prometheus does."""
        self.check(urls[0])
        script = directory / "scrapes.lua"
        paths = ",".join(f'"/probe?module=http&target={urllib.parse.quote(url, safe="")}"'
                         for url in urls)
        script.write_text(f"local paths = {{{paths}}}\nlocal at = 0\nfunction request()\n"
                          "  at = at % #paths + 1\n  return wrk.format(nil, paths[at])\nend\n")
        requests, cpu = nginx.requests(), cpu_seconds(self.process.pid)
        subprocess.run(["wrk", "-t1", f"-c{SCRAPES_AT_ONCE}", f"-d{PROBE_SECONDS}s", "-s", script,
                        f"http://127.0.0.1:{self.port}"], check=True, stdout=subprocess.DEVNULL)
        return (cpu_seconds(self.process.pid) - cpu) / (nginx.requests() - requests - 1) * 1e6

    def check(self, url):
        query = urllib.parse.urlencode({"module": "http", "target": url})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/probe?{query}") as answer:
            if "\nprobe_success 1\n" not in answer.read().decode():
                sys.exit(f"the exporter cannot probe {url}")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def bare_cost(program, port, per_s):
    """µs of CPU per probe of the bare loop, at the same pace."""
    process = subprocess.Popen([program, str(port), str(per_s), str(PROBE_SECONDS)],
                               stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    if process.returncode:
        sys.exit(f"the bare loop: {output}")
    return (usage.ru_utime + usage.ru_stime) / int(output.split()[0]) * 1e6


def bench_compare(binary, directory):
    """µs of CPU per http and https probe beside the blackbox exporter's and the bare loop's. Both
    verify the certificate, and make each handshake anew."""
    nginx = Nginx(directory, tls=True)
    exporter = Exporter(directory, nginx.certificate)
    cost = {name: [] for name in ("http", "https", "exporter http", "exporter https", "bare")}
    try:
        for _ in range(ROUNDS):
            for scheme, count, port in (("http", HTTP_TARGETS, nginx.port),
                                        ("https", HTTPS_TARGETS, nginx.tls_port)):
                cost[scheme].append(probe_cost(binary, nginx, count, scheme)[0])
                cost["exporter " + scheme].append(
                    exporter.cost(nginx, directory, targets(count, port, scheme)))
            cost["bare"].append(bare_cost(binary.parent / "pm_bare_loop", nginx.port, HTTP_TARGETS))
    finally:
        exporter.stop()
        nginx.stop()
    cost = {name: statistics.median(figures) for name, figures in cost.items()}
    for scheme, bar in (("http", 1 / 6), ("https", 1 / 3)):
        theirs = cost["exporter " + scheme]
        row(f"probe, {scheme}", f"{cost[scheme]:.1f} µs", f"exporter {theirs:.0f} µs",
            cost[scheme] / theirs, bar)
    row("probe, http", f"{cost['http']:.1f} µs", f"bare loop {cost['bare']:.1f} µs",
        cost["http"] / cost["bare"], 3.0)
    share = cost["http"] * HTTP_TARGETS / 1e6
    row("1,000 http peers a second", f"{share:.1%} of a core", "bar 25 %", share / 0.25, 1.0)


def row(what, ours, beside, ratio, bar):
    verdict = "ok" if ratio <= bar else "OVER"
    print(f"{what:36} {ours:>12} {beside:>18} {ratio:8.2f} {bar:6.2f}  {verdict}", flush=True)


BENCHES = {"serve": bench_serve, "probe": bench_probe, "compare": bench_compare,
           "scrape": bench_scrape, "publish": bench_publish, "idle": bench_idle}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="directory of the pingmesh binary")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; all unless named")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHES)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(BENCHES)}")
    print(f"{'what':36} {'pingmesh':>12} {'beside':>18} {'ratio':>8} {'bar':>6}", flush=True)
    for name in arguments.names or BENCHES:
        with tempfile.TemporaryDirectory() as directory:
            BENCHES[name](pathlib.Path(arguments.build) / "pingmesh", pathlib.Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
