"""A CloudWatch endpoint for the end-to-end tests, with AWS's own words for right and wrong.

It recomputes each signature with botocore's signer and validates each call against botocore's
model of the service. `calls` holds the parameters of those that were taken, as a program of botocore
would have given them; `refused` what was wrong with the others. `script` is a list of (status,
code) with which the next calls are answered instead.
"""

import gzip
import threading
import urllib.parse

import servers

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    import botocore.session
    import botocore.validate
except ImportError:
    botocore = None

REGION = "eu-central-1"
NUMBERS = {"Values", "Counts", "Value"}


def error(code, message):
    return (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error></ErrorResponse>")


def structure(fields):
    """The query protocol's flat names as nested dicts and lists."""
    root = {}
    for name, value in fields:
        at = root
        *path, last = name.split(".")
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    return lists(root)


def lists(node):
    if not isinstance(node, dict):
        return node
    if set(node) == {"member"}:
        members = node["member"]
        assert list(members) == [str(i + 1) for i in range(len(members))], "members in order"
        return [lists(member) for member in members.values()]
    return {name: lists(value) for name, value in node.items()}


def typed(parameters):
    """Numbers and times as botocore's model wants them."""
    for datum in parameters["MetricData"]:
        for name in NUMBERS & set(datum):
            datum[name] = [float(value) for value in datum[name]]
        if "StorageResolution" in datum:
            datum["StorageResolution"] = int(datum["StorageResolution"])
    return parameters


class CloudWatch(servers.Server):
    def __init__(self, keys, address="127.0.0.1", tls=None):
        """keys: access key id -> (secret, session token or None)."""
        super().__init__(self._answer, address, tls=tls)
        self.keys = keys
        self.calls, self.refused, self.script, self.sizes = [], [], [], []
        self.lock = threading.Lock()
        session = botocore.session.Session()
        model = session.get_service_model("cloudwatch")
        self.input_shape = model.operation_model("PutMetricData").input_shape

    def data(self, metric=None):
        return [datum for call in list(self.calls) for datum in call["MetricData"]
                if metric in (None, datum["MetricName"])]

    def _answer(self, connection, request):
        body = request.rest
        while len(body) < int(request.header("Content-Length")):
            piece = connection.recv(65536)
            if not piece:
                return
            body += piece
        with self.lock:
            status, code, message = self._judge(request, body)
        text = error(code, message) if code else "<PutMetricDataResponse/>"
        connection.sendall(servers.response(text, status, content_type="text/xml"))

    def _judge(self, request, body):
        wrong = self._wrong_signature(request, body)
        if wrong:
            self.refused.append(wrong[1])
            return wrong
        if self.script:
            status, code = self.script.pop(0)
            self.refused.append(code)
            return status, code, f"{code} as the script says"
        try:
            parameters = self._parameters(request, body)
        except Exception as trouble:  # whatever is wrong with a call must be told
            self.refused.append(repr(trouble))
            return "400 Bad Request", "ValidationError", repr(trouble)
        self.calls.append(parameters)
        self.sizes.append(len(body))
        return "200 OK", None, None

    def _parameters(self, request, body):
        assert request.method == "POST" and request.target == "/", request.target
        if request.header("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert len(body) <= 1000000, "1 MB a request"
        fields = urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True,
                                        strict_parsing=True)
        names = [name for name, _ in fields]
        assert len(set(names)) == len(names), "a name twice"
        parameters = structure(fields)
        assert parameters.pop("Action") == "PutMetricData"
        assert parameters.pop("Version") == "2010-08-01"
        report = botocore.validate.ParamValidator().validate(typed(parameters), self.input_shape)
        assert not report.has_errors(), report.generate_report()
        assert len(parameters["MetricData"]) <= 1000
        for datum in parameters["MetricData"]:
            assert 1 <= len(datum["Values"]) == len(datum["Counts"]) <= 150, datum
            assert all(d["Value"].isascii() and d["Value"].strip() for d in datum["Dimensions"])
        return parameters

    def _wrong_signature(self, request, body):
        authorization = request.header("Authorization")
        scope = authorization.partition("Credential=")[2].split(",")[0]
        key_id = scope.split("/")[0]
        if key_id not in self.keys:
            return ("403 Forbidden", "InvalidClientTokenId",
                    "The security token included in the request is invalid.")
        secret, token = self.keys[key_id]
        if request.header("X-Amz-Security-Token") != (token or ""):
            return "403 Forbidden", "InvalidClientTokenId", "The session token is another one."
        if self._signature(request, body, key_id, secret, scope) not in authorization:
            return ("403 Forbidden", "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you provided.")
        return None

    def _signature(self, request, body, key_id, secret, scope):
        """With exactly the headers that were signed, at the time that the request names."""
        authorization = request.header("Authorization")
        signed = authorization.partition("SignedHeaders=")[2].split(",")[0].split(";")
        assert {"host", "x-amz-date"} <= set(signed), signed
        region, service = scope.split("/")[2:4]
        headers = {name: request.header(name) for name in signed}
        again = botocore.awsrequest.AWSRequest("POST", self.base + "/", headers, body)
        again.context["timestamp"] = request.header("X-Amz-Date")
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key_id, secret), service,
                                         region)
        # botocore's names for the header values that it signs: those of the request, no others
        canonical = signer.canonical_request(again)
        return "Signature=" + signer.signature(signer.string_to_sign(again, canonical), again)
