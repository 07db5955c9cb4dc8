"""Twenty daemons from one master in a private /16, each with a network stack of its own: a bridge,
and behind each of its ports a namespace with an address and nothing else. The daemons run as a user
would run them, without --bind: each learns its address from those that it asks. A machine dies
there by losing its link, so that nothing answers, not even a refusal.

Needs root, or a kernel that lets everybody make namespaces; elsewhere it ends with SKIPPED_STATUS.
The file runs itself again as the first process of namespaces for network, mounts and processes.
When that ends, however it does, the kernel ends the daemons and removes all that was made.
"""

import os
import subprocess
import sys
import unittest

import growth
import harness

SKIPPED_STATUS = 77
INSIDE = "PM_INSIDE_NAMESPACES"

BRIDGE = "mesh"
NETWORK = "10.77"
PORT = 8080
TOKEN = "operator-of-all-machines"


def ip(*commands, namespace=None):
    within = ["-n", namespace] if namespace else []
    subprocess.run(["ip", *within, "-batch", "-"], input="\n".join(commands), text=True, check=True)


def link_of(name):
    """The bridge's end of a machine's cable."""
    return f"to-{name}"


def make_bridge():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)  # names of namespaces
    ip("link set dev lo up", f"link add name {BRIDGE} type bridge",
       f"addr add {NETWORK}.0.1/16 dev {BRIDGE}", f"link set dev {BRIDGE} up")


def make_machine(name, address):
    link = link_of(name)
    ip(f"netns add {name}", f"link add name {link} type veth peer name eth0 netns {name}",
       f"link set dev {link} master {BRIDGE} up")
    ip("link set dev lo up", f"addr add {address}/16 dev eth0", "link set dev eth0 up",
       namespace=name)


class Machine(harness.Node):
    """A node, which is looked at from outside, and so with the operator's token."""

    def __init__(self, name, arguments, directory, env, address):
        super().__init__(["ip", "netns", "exec", name, harness.PINGMESH, "-s", PORT, *arguments],
                         directory, {**(env or {}), "PINGMESH_ADMIN_TOKEN": TOKEN}, address, PORT)
        self.link = link_of(name)

    def document(self):
        return self.get("/v1/peers", Authorization=f"Bearer {TOKEN}").json()


class OneNetwork(growth.TwentyTest):
    def address(self, number):
        return f"{NETWORK}.{number}.2"

    def site_address(self):
        return f"{NETWORK}.0.1"

    def start_node(self, *arguments, number=1, env=None, **_):
        """On a machine of its own, which is made for it."""
        name = f"node{number}"
        make_machine(name, self.address(number))
        node = Machine(name, arguments, self.directory, env, self.address(number))
        self.processes.append(node)
        return node

    def kill(self, node):
        ip(f"link set dev {node.link} down")

    def revive(self, node, seed):
        ip(f"link set dev {node.link} up")
        return node

    def test_a_life(self):
        make_bridge()
        self.check_a_life()


def enter():
    """Becomes this file's process inside; or tells why it cannot, and skips."""
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    try:
        subprocess.run([*command, "ip", "link", "add", "name", BRIDGE, "type", "bridge"],
                       check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        return skip(error)
    except subprocess.CalledProcessError as error:
        return skip(error.stderr.strip())
    os.environ[INSIDE] = "yes"
    os.execvp(command[0], [*command, sys.executable, "-B", *sys.argv])


def skip(why):
    print(f"skipped: it needs root, and to make network namespaces and a bridge ({why})")
    return SKIPPED_STATUS


if __name__ == "__main__":
    if INSIDE in os.environ:
        unittest.main()
    sys.exit(enter())
