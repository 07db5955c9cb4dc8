"""A private certification authority for a test, made with the openssl command in a directory."""

import pathlib
import subprocess

import servers

CA_SETTINGS = """
[ca]
default_ca = private
[private]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
CN = unused
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


class Authority:
    """certificate(…) makes a certificate and its key, signed by this authority."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        (self.directory / "ca.cnf").write_text(CA_SETTINGS)
        (self.directory / "index.txt").write_text("")
        (self.directory / "serial").write_text("1000\n")
        self.file = self.directory / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                      "-subj", "/CN=Private test authority", "-config", "ca.cnf")

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")

    def certificate(self, name, *, addresses=(), expired=False, usage=None):
        """The files (certificate, key) for a host name and addresses. usage: the only one that it is
        for, as OpenSSL names it; None: any."""
        stem = f"{name}{'-expired' if expired else ''}"
        names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        (self.directory / f"{stem}.ext").write_text(
            f"subjectAltName={names}\n" + (f"extendedKeyUsage={usage}\n" if usage else ""))
        dates = ("20200101000000Z", "20200201000000Z") if expired else \
                ("20200101000000Z", "20991231235959Z")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", f"/CN={name}",
                      "-config", "ca.cnf")
        self._openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem",
                      "-keyfile", "ca.key", "-in", f"{stem}.csr", "-out", f"{stem}.pem",
                      "-extfile", f"{stem}.ext", "-startdate", dates[0], "-enddate", dates[1])
        return self.directory / f"{stem}.pem", self.directory / f"{stem}.key"

    def server_context(self, name, **how):
        return servers.tls_context(*self.certificate(name, **how))
