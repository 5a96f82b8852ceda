"""Until when the certificate of an access is valid."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from pwsh_kernels.catalog.tenants.tenant import ModuleAccess
from pwsh_kernels.errors import BadSecret

MAX_SIZE = 1 << 20
"""Largest file in bytes that is taken for a certificate; one with its chain has some 10,000."""
BEGIN = b"-----BEGIN CERTIFICATE-----"
Ends = Callable[[ModuleAccess], datetime | None]
"""Returns the end of an access' certificate; None: it has none, or nobody can tell."""


def certificate_end(access: ModuleAccess) -> datetime | None:
    """Return until when an access' certificate is valid; None: it has none, or nobody can tell."""
    file = access.certificate_file
    if file is None:
        return None
    try:
        content = _content(file)
        if BEGIN in content:
            return x509.load_pem_x509_certificate(
                content[content.index(BEGIN) :]
            ).not_valid_after_utc
        source = access.certificate_password
        password = source.read().text.encode() if source else None
        _, found, _ = pkcs12.load_key_and_certificates(content, password)
    except (OSError, ValueError, BadSecret):
        return None
    return found.not_valid_after_utc if found else None


def _content(file: Path) -> bytes:
    if file.stat().st_size > MAX_SIZE or not file.is_file():
        return b""
    return file.read_bytes()


@dataclass(slots=True)
class CertificateEnds:
    """Remembers what a file said until it is another one: to open it costs some ms of work."""

    known: dict[Path, tuple[tuple[int, int], datetime | None]] = field(default_factory=dict)

    def __call__(self, access: ModuleAccess) -> datetime | None:
        """Return what `certificate_end` does."""
        file = access.certificate_file
        if file is None:
            return None
        mark = _mark(file)
        if file not in self.known or self.known[file][0] != mark:
            self.known[file] = (mark, certificate_end(access))
        return self.known[file][1]


def _mark(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_ino
