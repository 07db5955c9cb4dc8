"""The delay laboratory: hosts on a bridge, each in a network namespace of its own, and between any
two of them, in each direction by itself, a delay, jitter, loss, or a cut.

    import lab
    if __name__ == "__main__":
        lab.enter_or_skip()                        # the file runs itself again, inside
        with lab.Lab(directory) as network:
            near, far = network.host(), network.host()
            network.set(near, far, delay_ms=7)     # there
            network.set(far, near, delay_ms=13)    # and back
            node = near.popen(["pingmesh", f"http://{far.address}:8080/"])
            …
            for handshake in network.handshakes(): # what the cable itself saw

Inside means: the first process of namespaces for network, mounts and processes. When it ends, however
it does, the kernel ends what it started and removes what it made; nothing of the machine's own
network is touched, and any number of laboratories run side by side. Host N has 10.N.0.0/16 for
itself, this process is at SITE and reaches every host without delay.

The cable is pm_delayer, which holds packets in netfilter's queues and writes down each handshake: the
record that measurements are compared with. Where the kernel has no such queues it is netem, which
delays as well, and keeps no record (and here nobody could try it: this was written on kernels
without).
"""

import bisect
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

BUILD = pathlib.Path(os.environ["PM_BUILD"]).resolve()
DELAYER, ANSWERER = BUILD / "pm_delayer", BUILD / "pm_answerer"
SKIPPED_STATUS = 77
INSIDE = "PM_INSIDE_LAB"

BRIDGE = "lab"
SITE_HOST = 255
SITE = f"10.{SITE_HOST}.0.1"
HOSTS_MAX = 31       # pm_delayer's PM_LAB_HOSTS, less the 0 that nobody has
QUEUES = 2           # of netfilter, a thread each
QUEUE_RULE = ("-j", "NFQUEUE", "--queue-balance", f"0:{QUEUES - 1}")
ONLY_HANDSHAKES = ("-p", "tcp", "--tcp-flags", "SYN", "SYN")
PRIORITY = 50        # of these, real-time: before everything that is measured
READY_S = 30
STALE_GROUP_S = 3600

PROGRAMS = ("ip", "unshare", "tc", "iptables")

# A host opens and closes thousands of connections a second, to itself as to others.
HOST_SETTINGS = {
    "net.ipv4.ip_local_port_range": "1024 65535",
    "net.ipv4.tcp_max_syn_backlog": "65536",
    "net.core.somaxconn": "65535",
    "net.ipv6.conf.all.disable_ipv6": "1",
}


class Missing(Exception):
    """What this machine lacks for a laboratory."""


def run(*command, text=None):
    try:
        return subprocess.run(command, input=text, text=True, check=True,
                              capture_output=True).stdout
    except FileNotFoundError as error:
        raise Missing(str(error)) from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(command[:6])}: {error.stderr.strip()}") from None


def ip(*commands, namespace=None):
    run("ip", *(["-n", namespace] if namespace else []), "-batch", "-", text="\n".join(commands))


# --- getting inside ------------------------------------------------------------------------------


def enter_or_skip():
    """Returns only inside, and only where a laboratory can be built. Elsewhere the process says what
    is missing and ends with SKIPPED_STATUS."""
    try:
        if INSIDE not in os.environ:
            enter()
        run("mount", "-t", "tmpfs", "none", "/run")  # names of namespaces
        try_parts()
    except Missing as missing:
        print(f"skipped: the delay laboratory needs root, and network namespaces, bridges and "
              f"packet queues in the kernel ({missing})", flush=True)
        sys.exit(SKIPPED_STATUS)


def enter():
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        raise Missing("this is not root")
    absent = [program for program in PROGRAMS if not shutil.which(program)]
    if absent:
        raise Missing(f"no program {', '.join(absent)}")
    run(*command, "true")
    os.environ[INSIDE] = "yes"
    os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])


def try_parts():
    ip("link add name trial type bridge", "link add name trial0 type veth peer name trial1",
       "link del dev trial0", "link del dev trial", "link set dev lo up")
    cable_class()


def has_queues():
    """Bridged packets pass netfilter, it can queue them, and the delayer was built."""
    switch = pathlib.Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if not DELAYER.exists() or not switch.exists():
        return False
    try:
        run("iptables", "-A", "FORWARD", *QUEUE_RULE)
        run("iptables", "-D", "FORWARD", *QUEUE_RULE)
    except Missing:
        return False
    return True


def has_netem():
    try:
        run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "0ms")
        run("tc", "qdisc", "del", "dev", "lo", "root")
    except Missing:
        return False
    return True


def cable_class():
    wanted = os.environ.get("PM_LAB_CABLE", "")
    if has_queues() and wanted in ("", QueueCable.name):
        return QueueCable
    if has_netem() and wanted in ("", NetemCable.name):
        return NetemCable
    raise Missing("neither NFQUEUE with pm_delayer (build it with libnetfilter-queue-dev) nor netem")


# --- cables --------------------------------------------------------------------------------------

Counts = collections.namedtuple(
    "Counts", "packets lost cut overflowed syns syns_lost synacks synacks_lost late_ns_max")

Handshake = collections.namedtuple(
    "Handshake", "wall_ns source source_port destination destination_port syns syns_lost synacks "
                 "synacks_lost there_ns server_ns back_ns rtt_ns unsure_ns")


class QueueCable:
    """pm_delayer, told through its standard input."""
    name = "queues"
    has_record = True

    def __init__(self, directory, seed, cpu, handshakes_only):
        self.record = directory / "handshakes.tsv"
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        pathlib.Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")
        run("iptables", "-A", "FORWARD", *(ONLY_HANDSHAKES if handshakes_only else ()), *QUEUE_RULE)
        self.process = subprocess.Popen(
            [*pin, DELAYER, "--queues", str(QUEUES), "--record", self.record, "--seed", str(seed),
             "--priority", str(PRIORITY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.real_time = self._answer().endswith("real-time")

    def _answer(self):
        line = self.process.stdout.readline().strip()
        if not line or line.startswith("error"):
            raise RuntimeError(f"pm_delayer: {line or 'ended'}")
        return line

    def _ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._answer()

    def plug(self, host):
        pass

    def set(self, source, destination, delay_ms, jitter_ms, loss, cut):
        self._ask(f"link {source} {destination} {round(delay_ms * 1000)} {round(jitter_ms * 1000)} "
                  f"{round(loss * 1e6)} {int(cut)}")

    def counts(self, source, destination):
        return Counts(*map(int, self._ask(f"counts {source} {destination}").split()))

    def dropped_by_kernel(self):
        """Packets that found no room in a queue, or in the delayer's socket."""
        rows = pathlib.Path("/proc/self/net/netfilter/nfnetlink_queue").read_text().splitlines()
        return sum(int(row.split()[5]) + int(row.split()[6]) for row in rows)

    def handshakes(self):
        self._ask("flush")
        with open(self.record, encoding="ascii") as file:
            next(file)
            return [Handshake(*(value if at in (1, 3) else int(value)
                                for at, value in enumerate(line.rstrip("\n").split("\t"))))
                    for line in file]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=READY_S)
        self.process.stdout.close()
        run("iptables", "-F", "FORWARD")


class NetemCable:
    """A netem per source on the bridge's port to each destination."""
    name = "netem"
    has_record = False

    def __init__(self, *_):
        pass

    def plug(self, host):
        """Each source has a class, whose number is the host's, and what comes from none passes."""
        run("tc", "qdisc", "add", "dev", host.port, "root", "handle", "1:", "htb", "default", "ff")

    def set(self, source, destination, delay_ms, jitter_ms, loss, cut):
        port, number = f"to-host{destination}", f"{source:x}"
        run("tc", "class", "replace", "dev", port, "parent", "1:", "classid", f"1:{number}", "htb",
            "rate", "10gbit")
        run("tc", "filter", "replace", "dev", port, "parent", "1:", "protocol", "ip", "prio",
            str(source), "u32", "match", "ip", "src", f"10.{source}.0.0/16", "flowid",
            f"1:{number}")
        run("tc", "qdisc", "replace", "dev", port, "parent", f"1:{number}", "handle",
            f"{0x100 + source:x}:", "netem", "limit", "100000", "delay", f"{delay_ms}ms",
            f"{jitter_ms}ms", "loss", f"{100 if cut else loss * 100}%")

    def close(self):
        pass


# --- hosts ---------------------------------------------------------------------------------------


class Host:
    def __init__(self, number):
        self.number, self.name, self.port = number, f"host{number}", f"to-host{number}"
        self.address = f"10.{number}.0.1"

    def addresses(self, count):
        """So many of its own, each of which answers."""
        return [f"10.{self.number}.{1 + i // 250}.{1 + i % 250}" for i in range(count)]

    def command(self, arguments, cpu=None):
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        return ["ip", "netns", "exec", self.name, *pin, *(str(word) for word in arguments)]

    def popen(self, arguments, cpu=None, group=None, **options):
        """A process in it; its id is the program's own. group: a CpuLimit."""
        enter_group = group.enter if group else None
        return subprocess.Popen(self.command(arguments, cpu), preexec_fn=enter_group, **options)

    def answerer(self, port, delay_ms=0, cpu=None):
        return Answerer(self, port, delay_ms, cpu)


class Answerer:
    """pm_answerer on all addresses of a host."""

    def __init__(self, host, port, delay_ms, cpu):
        self.process = host.popen([ANSWERER, "--port", port, "--delay-ms", delay_ms], cpu,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("pm_answerer did not start")

    def stop(self):
        """How many requests it has answered."""
        self.process.stdin.close()
        answered = int(self.process.stdout.readline())
        self.process.stdout.close()
        self.process.wait(timeout=READY_S)
        return answered


class Lab:
    """directory: for the record. seed: of loss and jitter. cpu: that the cable is to run on.
    handshakes_only: everything else passes untouched, which costs far less."""

    def __init__(self, directory, seed=1, cpu=None, handshakes_only=False):
        self.hosts = []
        ip(f"link add name {BRIDGE} type bridge", f"addr add {SITE}/32 dev {BRIDGE}",
           f"link set dev {BRIDGE} up")
        self.cable = cable_class()(pathlib.Path(directory), seed, cpu, handshakes_only)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.cable.close()
        for host in self.hosts:  # the cable by itself: a namespace's own end takes a while
            ip(f"link del dev {host.port}", f"netns del {host.name}")
        ip(f"link del dev {BRIDGE}")
        self.hosts = []

    def host(self):
        """One more, with a cable to each of those before and to this process."""
        if len(self.hosts) == HOSTS_MAX:
            raise ValueError(f"a laboratory has at most {HOSTS_MAX} hosts")
        host = Host(len(self.hosts) + 1)
        ip(f"netns add {host.name}",
           f"link add name {host.port} type veth peer name eth0 netns {host.name}",
           f"link set dev {host.port} master {BRIDGE} up",)
        settings = "; ".join(f"echo {value} >/proc/sys/{name.replace('.', '/')}"
                             for name, value in HOST_SETTINGS.items())
        run(*host.command(["sh", "-c", settings]))
        ip("link set dev lo up", f"addr add {host.address}/32 dev eth0", "link set dev eth0 up",
           f"route add local 10.{host.number}.0.0/16 dev lo",
           f"route add 10.{SITE_HOST}.0.0/16 via {SITE} dev eth0 onlink src {host.address}",
           namespace=host.name)
        ip(f"route add 10.{host.number}.0.0/16 via {host.address} dev {BRIDGE} onlink src {SITE}")
        for other in self.hosts:
            self._route(host, other)
            self._route(other, host)
        self.hosts.append(host)
        self.cable.plug(host)
        return host

    @staticmethod
    def _route(source, destination):
        ip(f"route add 10.{destination.number}.0.0/16 via {destination.address} dev eth0 onlink "
           f"src {source.address}", namespace=source.name)

    def set(self, source, destination, delay_ms=0, jitter_ms=0, loss=0, cut=False):
        """What happens to packets of one direction from now on. loss: 0 to 1."""
        self.cable.set(source.number, destination.number, delay_ms, jitter_ms, loss, cut)

    def set_both(self, one, other, **settings):
        self.set(one, other, **settings)
        self.set(other, one, **settings)

    def counts(self, source, destination):
        return self.cable.counts(source.number, destination.number)

    def overflowed(self):
        """Packets that the laboratory itself lost for want of room: 0, or figures mean nothing."""
        return self.cable.dropped_by_kernel() + sum(
            self.counts(source, destination).overflowed
            for source in self.hosts for destination in self.hosts if source is not destination)

    def handshakes(self):
        """Those that were answered, in order of their answers."""
        return self.cable.handshakes()


class HandshakeIndex:
    """Finds the handshake of a sample: of those with its destination the first that began after it.
    Probes of one destination follow each other, so that none can be taken for another's."""
    EARLY_NS = 1_000_000  # two readings of one clock, the kernel's rounded to a microsecond

    def __init__(self, handshakes):
        self.by_destination = collections.defaultdict(list)
        for handshake in sorted(handshakes, key=lambda one: one.wall_ns):
            self.by_destination[handshake.destination].append(handshake)

    def find(self, remote, wall_ns):
        candidates = self.by_destination.get(remote, [])
        at = bisect.bisect_left(candidates, wall_ns - self.EARLY_NS, key=lambda one: one.wall_ns)
        return candidates[at] if at < len(candidates) else None


# --- a part of a processor -----------------------------------------------------------------------


class CpuLimit:
    """A control group whose processes get so much of one processor (0 to 1), in periods of 100 ms as
    container engines set it. Made for version 1 and 2 of control groups."""
    PERIOD_US = 100_000

    def __init__(self, share):
        self.quota_us = round(share * self.PERIOD_US)

    def __enter__(self):
        root = pathlib.Path("/sys/fs/cgroup")
        first = (root / "cpu").is_dir()
        parent = root / "cpu" if first else root
        remove_stale_groups(parent)
        self.path = parent / f"pm-lab-{random.randrange(1 << 48):012x}"
        try:
            self.path.mkdir()
            if first:
                (self.path / "cpu.cfs_period_us").write_text(str(self.PERIOD_US))
                (self.path / "cpu.cfs_quota_us").write_text(str(self.quota_us))
            else:
                (self.path / "cpu.max").write_text(f"{self.quota_us} {self.PERIOD_US}")
        except OSError as error:
            raise Missing(f"no control group for processors: {error}") from None
        return self

    def enter(self):
        (self.path / "cgroup.procs").write_text("0")

    def throttled(self):
        """How many periods its processes spent waiting for the next."""
        rows = (self.path / "cpu.stat").read_text().split()
        return int(rows[rows.index("nr_throttled") + 1])

    def __exit__(self, *_):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                return self.path.rmdir()
            except OSError:
                time.sleep(0.05)  # its last process is still ending


def remove_stale_groups(parent):
    """Of laboratories that were killed."""
    for path in parent.glob("pm-lab-*"):
        try:
            if time.time() - path.stat().st_mtime > STALE_GROUP_S:
                path.rmdir()
        except OSError:
            pass  # in use
