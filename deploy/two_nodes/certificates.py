"""The certificates of a cluster for tests, and who presents them."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
DAYS = "30"
LEAF = """
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        """`names`: every address at which one of its certificates is presented."""
        self.folder = folder
        self.certificate = folder / "ca.crt"
        folder.mkdir(parents=True)
        (folder / "leaf").write_text(
            LEAF.format(names=",".join(f"IP:{name}" for name in names)), encoding="utf-8"
        )
        # Python 3.13 wants keyUsage in it.
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl(
            *("req", "-x509", *KEY, "-days", DAYS, "-subj", "/CN=authority-of-the-tests", *usage),
            *("-keyout", str(folder / "ca.key"), "-out", str(self.certificate)),
        )
        _openssl("genrsa", "-out", str(self.accounts_key), "2048")

    @property
    def accounts_key(self) -> Path:
        """The key that signs the tokens of service accounts."""
        return self.folder / "accounts.key"

    def pair(self, name: str) -> tuple[Path, Path]:
        """Return where a certificate and its key are."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def issue(self, name: str, subject: str) -> None:
        """Make a certificate and its key."""
        certificate, key = map(str, self.pair(name))
        request = str(self.folder / f"{name}.csr")
        _openssl("req", *KEY, "-subj", subject, "-keyout", key, "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-days", DAYS, "-out", certificate),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")),
            *("-CAcreateserial", "-extfile", str(self.folder / "leaf")),
        )

    def kubeconfig(self, name: str, server: str) -> Path:
        """Write a KUBECONFIG for whoever presents a certificate, and return it."""
        certificate, key = map(str, self.pair(name))
        cluster = {"server": server, "certificate-authority": str(self.certificate)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [
                {"name": name, "user": {"client-certificate": certificate, "client-key": key}}
            ],
        }
        file = self.folder / f"{name}.conf"
        file.write_text(json.dumps(config), encoding="utf-8")
        return file


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
