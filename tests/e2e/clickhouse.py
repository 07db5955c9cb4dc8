"""ClickHouse servers of Debian's package for a test: each with its own directory and loopback ports,
two of them as the shards of one cluster. No ZooKeeper: what needs it is taken out of the DDL, see
without_replication."""

import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.parse

import harness

PROGRAM = shutil.which("clickhouse-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
DDL = harness.SOURCE / "deploy" / "clickhouse"

CONFIG = """<yandex>
  <logger><level>warning</level><log>{directory}/log</log><errorlog>{directory}/errors</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{peers}</interserver_http_port>
  <path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path>
  <format_schema_path>{directory}/schemas/</format_schema_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size><timezone>Asia/Tokyo</timezone>
  <remote_servers><pingmesh>{shards}</pingmesh></remote_servers>
</yandex>
"""

USERS = """<yandex>
  <profiles><default><max_threads>1</max_threads></default></profiles>
  <quotas><default/></quotas>
  <users>
    <default><password></password><networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota></default>
    <writer><password>of the writer</password><networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota></writer>
  </users>
</yandex>
"""


class Server:
    def __init__(self, directory, ports, shards):
        self.directory = pathlib.Path(directory)
        self.http, self.tcp, self.peers = ports
        self.base = f"http://127.0.0.1:{self.http}"
        for name in ("data", "tmp", "schemas"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "users.xml").write_text(USERS)
        (self.directory / "config.xml").write_text(CONFIG.format(
            directory=self.directory, http=self.http, tcp=self.tcp, peers=self.peers,
            shards=shards))
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, f"--config-file={self.directory}/config.xml"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory)

    def is_ready(self):
        if self.process.poll() is not None:
            log = self.directory / "errors"
            raise AssertionError(f"clickhouse-server ended: {log.exists() and log.read_text()}")
        try:
            return self.query("SELECT 1") == "1\n"
        except OSError:
            return False

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=harness.STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def query(self, text, **settings):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=harness.DEADLINE_S)
        try:
            connection.request("POST", "/?" + urllib.parse.urlencode(settings), text.encode())
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise AssertionError(f"{text}\n{body}")
        return body

    def run(self, statements):
        for statement in statements:
            self.query(statement)

    def rows(self, text):
        """Of a SELECT, as lists of texts."""
        return [line.split("\t") for line in self.query(text).splitlines()]

    def number(self, text):
        return int(self.query(text))


def two_shards(directory):
    ports = [[harness.free_port("127.0.0.1") for _ in range(3)] for _ in range(2)]
    shards = "".join("<shard><internal_replication>true</internal_replication><replica>"
                     f"<host>127.0.0.1</host><port>{tcp}</port></replica></shard>"
                     for _http, tcp, _peers in ports)
    return [Server(pathlib.Path(directory) / str(i), ports[i], shards) for i in range(2)]


def statements(text):
    text = re.sub(r"--[^\n]*", "", text)
    return [part.strip() for part in text.split(";") if part.strip()]


def without_replication(text):
    """The cluster's DDL for each shard by itself: ON CLUSTER and Replicated… need a ZooKeeper."""
    text = text.replace(" ON CLUSTER pingmesh", "")
    return re.sub(r"ReplicatedReplacingMergeTree\([^)]*\)", "ReplacingMergeTree()", text)


def example_queries():
    document = (harness.SOURCE / "docs" / "publishing.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.*?)```", document, flags=re.S)
