"""Publishing to CloudWatch, against an endpoint that checks what AWS would check."""

import datetime
import json
import shutil
import time
import unittest

import certificates
import cloudwatch
import harness
import servers

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
OLD_WORDS = ("CloudWatch requires in environment: AWS_REGION, AWS_ACCESS_KEY_ID, "
             "AWS_SECRET_ACCESS_KEY")


def dimensions(datum):
    return {d["Name"]: d["Value"] for d in datum["Dimensions"]}


def probes_in(data):
    return sum(sum(datum["Counts"]) for datum in data)


@unittest.skipUnless(cloudwatch.botocore, "python3-botocore is not installed")
class CloudWatchTest(harness.EndToEndTest):
    def endpoint(self, keys=None):
        return self.serve(cloudwatch.CloudWatch({KEY: (SECRET, None)} if keys is None else keys))

    def target(self, location="Tokyo,JP"):
        return self.serve(servers.Server(servers.answers(servers.ping_page(location))))

    def env(self, endpoint, **more):
        return {"AWS_ENDPOINT_URL": endpoint.base, "AWS_REGION": cloudwatch.REGION,
                "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(self.directory), **more}

    def without_keys(self, endpoint, **more):
        env = self.env(endpoint, **more)
        del env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        return env

    def publish(self, env, *arguments, targets=None):
        return self.start("-c", "--cloudwatch-interval", 1, "-d", 1, "-L", "Paris,FR", "--output",
                          "json", *arguments, *(targets or [self.target().url()]), env=env)

    def wait_for_calls(self, endpoint, process, count=1):
        harness.wait_until(f"{count} calls",
                           lambda: len(endpoint.calls) >= count or not process.is_running())
        self.assertTrue(process.is_running(), process.describe())

    def assert_all_arrived(self, endpoint, process):
        """Every probe is in exactly one datum of Loss."""
        self.assertEqual(probes_in(endpoint.data("Loss")), len(process.samples()),
                         process.describe())


class Metrics(CloudWatchTest):
    def test_each_metric_of_a_path(self):
        endpoint = self.endpoint()
        process = self.publish(self.env(endpoint))
        self.wait_for_calls(endpoint, process, 2)
        process.stop()
        self.assertEqual(endpoint.refused, [])
        self.assert_all_arrived(endpoint, process)
        samples = process.samples()
        path = {"FromLocation": "Paris,FR", "ToLocation": "Tokyo,JP"}
        for metric, phase in (("TcpRtt", "tcp_ns"), ("FirstByte", "first_ns"),
                              ("Total", "total_ns")):
            data = endpoint.data(metric)
            values = sorted(value for datum in data
                            for value, count in zip(datum["Values"], datum["Counts"])
                            for _ in range(int(count)))
            # What a starved node timed itself is no latency of the path.
            truth = sorted(sample[phase] / 1e6 for sample in samples
                           if sample["verdict"] != "starved"
                           or sample["timed_by"][phase.removesuffix("_ns")] == "kernel")
            if metric == "TcpRtt":  # the kernel times it, however starved we are
                self.assertTrue(truth)
            self.assertEqual(len(values), len(truth), metric)
            for value, true in zip(values, truth):
                self.assertAlmostEqual(value, true, delta=0.02 * true, msg=metric)
            for datum in data:
                self.assertEqual(dimensions(datum), path)
                self.assertEqual(datum["Unit"], "Milliseconds")
                self.assertEqual(datum["StorageResolution"], 1)
        self.assertEqual(endpoint.data("TlsTime"), [])
        self.assertEqual({tuple(d["Values"]) for d in endpoint.data("Loss")}, {(0.0,)})
        self.assertEqual({tuple(d["Values"]) for d in endpoint.data("Availability")}, {(100.0,)})
        for datum in endpoint.data("TCP RTT"):
            self.assertEqual(dimensions(datum), {"TestUrl": "Tokyo,JP", "HTTP Resp Code": "200",
                                                 "FromLocation": "Paris,FR"})
        self.assertEqual(probes_in(endpoint.data("TCP RTT")), len(samples))
        self.assertEqual({call["Namespace"] for call in endpoint.calls}, {"pingmesh"})

    def test_time_stamps_are_the_intervals(self):
        endpoint = self.endpoint()
        started = time.time()
        process = self.publish(self.env(endpoint))
        self.wait_for_calls(endpoint, process, 3)
        process.stop()
        stamps = [datetime.datetime.strptime(d["Timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=datetime.timezone.utc).timestamp() for d in endpoint.data("Loss")]
        self.assertEqual(len(set(stamps)), len(stamps))
        self.assertGreaterEqual(min(stamps), int(started))
        self.assertLessEqual(max(stamps), time.time())

    def test_failures_are_published(self):
        endpoint = self.endpoint()
        dead = f"http://127.0.0.1:{self.dead_port()}/v1/ping#Nowhere,XX"
        process = self.publish(self.env(endpoint), "--cloudwatch-legacy", "off",
                               targets=[self.target().url(), dead])
        harness.wait_until("both paths", lambda: len(
            {dimensions(d)["ToLocation"] for d in endpoint.data("Loss")}) == 2)
        process.stop()
        nowhere = [d for d in endpoint.data() if dimensions(d)["ToLocation"] == "Nowhere,XX"]
        self.assertEqual({d["MetricName"] for d in nowhere}, {"Loss", "Availability"})
        self.assertEqual({tuple(d["Values"]) for d in nowhere if d["MetricName"] == "Loss"},
                         {(100.0,)})
        self.assertEqual({tuple(d["Values"]) for d in nowhere
                          if d["MetricName"] == "Availability"}, {(0.0,)})
        self.assertEqual(endpoint.data("TCP RTT"), [])
        self.assert_all_arrived(endpoint, process)

    def test_over_https_as_aws_wants_it(self):
        """Verified against --ca; a certificate of somebody else's gets nothing."""
        ours = certificates.Authority(self.directory / "ours")
        theirs = certificates.Authority(self.directory / "theirs")
        for authority in (ours, theirs):
            endpoint = self.serve(cloudwatch.CloudWatch(
                {KEY: (SECRET, None)},
                tls=authority.server_context("a.test", addresses=["127.0.0.1"])))
            process = self.publish(self.env(endpoint), "--ca", ours.file)
            if authority is ours:
                self.wait_for_calls(endpoint, process, 2)
                process.stop()
                self.assert_all_arrived(endpoint, process)
            else:
                harness.wait_until("the log", lambda: "certificate" in process.stderr)
                process.stop()
                self.assertEqual(endpoint.calls, [])

    def test_the_rest_goes_out_at_the_end(self):
        endpoint = self.endpoint()
        process = self.start("--publish", "cloudwatch", "--cloudwatch-interval", 300, "-n", 3, "-d",
                             1, "--output", "json", self.target().url(), env=self.env(endpoint))
        self.assertEqual(process.wait(), 0, process.describe())
        self.assertEqual(len(endpoint.calls), 1)
        self.assert_all_arrived(endpoint, process)


class Credentials(CloudWatchTest):
    def test_none_says_the_old_words_and_the_node_goes_on(self):
        endpoint = self.endpoint()
        probing = ["-n", 3, "-d", 1, self.target().url()]
        beside = self.start(*probing)
        process = self.start("-c", "--cloudwatch-interval", 1, *probing,
                             env=self.without_keys(endpoint))
        self.assertEqual(beside.wait(), 0, beside.describe())
        ended = time.monotonic()
        self.assertEqual(process.wait(), 0, process.describe())
        self.assertEqual(process.log.count(OLD_WORDS), 1, process.describe())
        # No five seconds of flushing where there is nothing to sign with.
        self.assertLess(time.monotonic() - ended, 4.5)
        self.assertEqual(endpoint.connections, 0)

    def test_a_wrong_secret_is_told_once(self):
        endpoint = self.endpoint()
        env = self.env(endpoint, AWS_SECRET_ACCESS_KEY="wrong")
        process = self.publish(env)
        harness.wait_until("a refusal", lambda: "SignatureDoesNotMatch" in endpoint.refused)
        harness.wait_until("the log", lambda: "SignatureDoesNotMatch" in process.stderr)
        process.stop()
        self.assertEqual(process.stderr.count("SignatureDoesNotMatch"), 1, process.describe())
        self.assertIn("The request signature we calculated does not match", process.stderr)
        self.assertNotIn("wrong", process.stderr)
        self.assertEqual(endpoint.calls, [])

    def test_a_profile_with_a_session_token(self):
        endpoint = self.endpoint({"AKIDPROFILE": ("of/profile", "session+token==")})
        credentials, config = self.directory / "credentials", self.directory / "config"
        credentials.write_text("[work]\naws_access_key_id = AKIDPROFILE\n"
                               "aws_secret_access_key = of/profile\n"
                               "aws_session_token = session+token==\n")
        config.write_text(f"[profile work]\nregion = eu-north-1\nendpoint_url = {endpoint.base}\n")
        env = self.without_keys(endpoint, AWS_PROFILE="work", AWS_CONFIG_FILE=str(config),
                                AWS_SHARED_CREDENTIALS_FILE=str(credentials))
        del env["AWS_REGION"], env["AWS_ENDPOINT_URL"]
        process = self.publish(env)
        self.wait_for_calls(endpoint, process)
        process.stop()
        self.assertEqual(endpoint.refused, [])
        self.assertIn("/eu-north-1/monitoring/aws4_request",
                      endpoint.requests[0].header("Authorization"))

    def test_a_container_whose_credentials_expire(self):
        endpoint = self.endpoint({"AKIDONE": ("one", "t1"), "AKIDTWO": ("two", "t2")})
        handed_out = []

        def answer(connection, request):
            self.assertEqual(request.header("Authorization"), "of the container")
            number = "ONE" if not handed_out else "TWO"
            handed_out.append(number)
            document = {"AccessKeyId": "AKID" + number, "SecretAccessKey": number.lower(),
                        "Token": "t1" if number == "ONE" else "t2",
                        "Expiration": "2100-01-01T00:00:00Z"}
            connection.sendall(servers.response(json.dumps(document)))

        container = self.serve(servers.Server(answer))
        endpoint.script = [("403 Forbidden", "ExpiredToken")]
        process = self.publish(self.without_keys(
            endpoint, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.base + "/role",
            AWS_CONTAINER_AUTHORIZATION_TOKEN="of the container"))
        self.wait_for_calls(endpoint, process, 2)
        process.stop()
        self.assertEqual(handed_out, ["ONE", "TWO"])
        self.assertEqual(endpoint.refused, ["ExpiredToken"])
        self.assertIn("AKIDTWO", endpoint.requests[-1].header("Authorization"))
        self.assert_all_arrived(endpoint, process)

    def test_the_role_of_an_instance(self):
        endpoint = self.endpoint({"AKIDROLE": ("of-role", "t")})
        answers = {
            ("PUT", "/latest/api/token"): "metadata-token",
            ("GET", "/latest/meta-data/iam/security-credentials/"): "pingmesh-role",
            ("GET", "/latest/meta-data/iam/security-credentials/pingmesh-role"): json.dumps(
                {"Code": "Success", "AccessKeyId": "AKIDROLE", "SecretAccessKey": "of-role",
                 "Token": "t", "Expiration": "2100-01-01T00:00:00Z"}),
            ("GET", "/latest/meta-data/placement/region"): "sa-east-1",
        }

        def answer(connection, request):
            if request.method == "GET":
                self.assertEqual(request.header("X-aws-ec2-metadata-token"), "metadata-token")
            connection.sendall(servers.response(answers[request.method, request.target]))

        instance = self.serve(servers.Server(answer))
        env = self.without_keys(endpoint, AWS_EC2_METADATA_DISABLED="false",
                                AWS_EC2_METADATA_SERVICE_ENDPOINT=instance.base)
        del env["AWS_REGION"]
        process = self.publish(env)
        self.wait_for_calls(endpoint, process)
        process.stop()
        self.assertEqual(endpoint.refused, [])
        self.assertEqual([(r.method, r.target) for r in instance.requests], list(answers))
        self.assertIn("/sa-east-1/", endpoint.requests[0].header("Authorization"))

    def test_a_token_does_not_leave_the_machine_in_the_clear(self):
        endpoint = self.endpoint()
        process = self.publish(self.without_keys(
            endpoint, AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/role"))
        harness.wait_until("the message", lambda: OLD_WORDS in process.stderr)
        process.stop()
        self.assertIn("http://192.0.2.1/role is neither https nor on this host", process.stderr)


class Trouble(CloudWatchTest):
    def test_throttling_loses_no_point(self):
        endpoint = self.endpoint()
        endpoint.script = [("400 Bad Request", "Throttling"), ("503 Busy", "ServiceUnavailable"),
                           ("400 Bad Request", "Throttling")]
        process = self.publish(self.env(endpoint))
        self.wait_for_calls(endpoint, process, 4)
        process.stop()
        self.assertEqual(len(endpoint.refused), 3)
        self.assert_all_arrived(endpoint, process)
        self.assertEqual(process.stderr.count("trying again"), 1, process.describe())
        self.assertEqual(process.stderr.count("well again after 3 failed tries"), 1)

    def test_a_refusal_is_told_once_in_their_words(self):
        endpoint = self.endpoint()
        endpoint.script = [("400 Bad Request", "InvalidParameterValue")] * 2
        process = self.publish(self.env(endpoint))
        self.wait_for_calls(endpoint, process, 1)
        process.stop()
        self.assertEqual(process.stderr.count("InvalidParameterValue as the script says"), 1)

    def test_no_endpoint_disturbs_the_probes(self):
        """Silent, slow, talking rubbish, hanging up, not there: the same number of probes."""
        kinds = {
            "silent": servers.silent_server(),
            "slow": servers.Server(servers.drips(servers.response("x" * 10000), 1)),
            "garbage": servers.Server(servers.says(b"\x00\xff nothing of HTTP\r\n\r\n" * 9)),
            "hangs up": servers.Server(servers.closes_at_once),
            "errors": servers.Server(servers.answers("no", "500 Oops")),
            "endless": servers.Server(servers.endless_body),
        }
        target = self.target()
        processes = {}
        for kind, server in kinds.items():
            processes[kind] = self.publish(self.env(self.serve(server)), "-n", 6,
                                           targets=[target.url()])
        started = time.monotonic()
        for kind, process in processes.items():
            self.assertEqual(process.wait(), 0, process.describe())
            samples = process.samples()
            self.assertEqual(len(samples), 6, kind)
            self.assertEqual({sample["outcome"] for sample in samples}, {"success"}, kind)
        # Six probes a second apart, five seconds of flushing, and the processes' own time; a try
        # that nobody ends takes thirty seconds by itself.
        self.assertLess(time.monotonic() - started, 5 + 5 + 25)


@unittest.skipUnless(shutil.which("moto_server") and shutil.which("aws"),
                     "moto_server and aws are not installed")
class Moto(CloudWatchTest):
    """The same against somebody else's CloudWatch, and seen with AWS's own program."""

    def setUp(self):
        super().setUp()
        self.port = harness.free_port("127.0.0.1")
        self.base = f"http://127.0.0.1:{self.port}"
        self.moto = self.start("-H", "127.0.0.1", "-p", self.port,
                               program=shutil.which("moto_server"))
        harness.wait_until("moto listens", self.answers)

    def answers(self):
        connection = harness.connection_to("127.0.0.1", self.port)
        try:
            return harness.send_request(connection, "GET", "/moto-api/").status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def aws(self, *arguments):
        env = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_PAGER": "",
               "AWS_DEFAULT_REGION": cloudwatch.REGION, "AWS_ENDPOINT_URL": self.base}
        process = self.start("--endpoint-url", self.base, "--output", "json", *arguments, env=env,
                             program=shutil.which("aws"))
        self.assertEqual(process.wait(), 0, process.describe())
        return json.loads(process.stdout or "null")

    def test_metrics_dashboard_and_template(self):
        env = {"AWS_ENDPOINT_URL_CLOUDWATCH": self.base, "AWS_REGION": cloudwatch.REGION,
               "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        process = self.publish(env, "-n", 3)
        self.assertEqual(process.wait(), 0, process.describe())
        metrics = self.aws("cloudwatch", "list-metrics", "--namespace", "pingmesh")["Metrics"]
        self.assertEqual({metric["MetricName"] for metric in metrics},
                         {"TcpRtt", "FirstByte", "Total", "Loss", "Availability", "TCP RTT"})
        body = self.directory / "body.json"
        body.write_text(self.run_to_end("--cloudwatch-dashboard").stdout)
        self.aws("cloudwatch", "put-dashboard", "--dashboard-name", "pingmesh", "--dashboard-body",
                 f"file://{body}")
        stored = self.aws("cloudwatch", "get-dashboard", "--dashboard-name", "pingmesh")
        self.assertEqual(json.loads(stored["DashboardBody"]), json.loads(body.read_text()))
        template = harness.SOURCE / "deploy/cloudwatch/template.yaml"
        self.aws("cloudformation", "validate-template", "--template-body", f"file://{template}")


class Printed(harness.EndToEndTest):
    def test_the_dashboard(self):
        process = self.run_to_end("--cloudwatch-dashboard", env={"AWS_REGION": "eu-west-3"})
        body = json.loads(process.stdout)
        searches = 0
        for widget in body["widgets"]:
            self.assertEqual(widget["type"], "metric")
            self.assertEqual(widget["properties"]["region"], "eu-west-3")
            self.assertLessEqual(widget["x"] + widget["width"], 24)
            ids = [metric[0]["id"] for metric in widget["properties"]["metrics"]]
            self.assertEqual(len(ids), len(set(ids)))
            searches += any("SEARCH(" in metric[0]["expression"]
                            for metric in widget["properties"]["metrics"])
        self.assertEqual(searches, len(body["widgets"]))
        self.assertEqual([v["populateFrom"] for v in body["variables"]],
                         ["FromLocation", "ToLocation"])

    def test_the_template_holds_the_same_dashboard(self):
        process = self.run_to_end("--cloudwatch-dashboard")
        template = (harness.SOURCE / "deploy/cloudwatch/template.yaml").read_text()
        lines = template.splitlines()
        begin = next(i for i, line in enumerate(lines) if "DashboardBody: !Sub |" in line) + 1
        indent = len(lines[begin]) - len(lines[begin].lstrip())
        body = []
        for line in lines[begin:]:
            if line.strip() and not line.startswith(" " * indent):
                break
            body.append(line[indent:])
        text = "\n".join(body).replace("${!", "${").replace("${AWS::Region}", "us-east-1")
        self.assertEqual(json.loads(text), json.loads(process.stdout))

    def test_the_forecast(self):
        process = self.run_to_end("--cloudwatch-forecast", 50)
        self.assertRegex(process.stdout, r"metrics +14700 +3470\.00 dollars")
        self.assertRegex(process.stdout, r"requests +2160000 a month +21\.60 dollars")
        process = self.run_to_end("--cloudwatch-max-metrics", 100, "--cloudwatch-legacy", "off",
                                  "--cloudwatch-interval", 300, "--cloudwatch-forecast=50")
        self.assertRegex(process.stdout, r"requests +432000 a month")
        self.assertRegex(process.stdout, r"metrics +5000 +1500\.00 dollars")

    def test_wrong_values(self):
        for arguments, words in ((["--publish", "nowhere"], "nowhere"),
                                 (["--cloudwatch-interval", "0"], "from 1 to 300"),
                                 (["--cloudwatch-interval", "301"], "from 1 to 300"),
                                 (["--cloudwatch-legacy", "maybe"], "on|off"),
                                 (["--cloudwatch-max-metrics", "12"], "13 and more")):
            process = self.run_to_end(*arguments, "-s", 1, status=2)
            self.assertIn(words, process.stderr)


if __name__ == "__main__":
    unittest.main()
