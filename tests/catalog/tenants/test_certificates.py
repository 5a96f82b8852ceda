"""Until when a certificate is valid, whatever form its file has."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pwsh_kernels.catalog.secrets import SecretSource
from pwsh_kernels.catalog.tenants.certificates import MAX_SIZE, CertificateEnds, certificate_end
from pwsh_kernels.catalog.tenants.tenant import ModuleAccess
from tests.fixtures.sandbox import CERTIFICATE_PASSWORD, make_certificate

PASSWORD = "PWSH_KERNELS_TEST_PASSWORD"


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> SecretSource:
    """The place of the certificates' password."""
    monkeypatch.setenv(PASSWORD, CERTIFICATE_PASSWORD)
    return SecretSource(env=PASSWORD)


def days_left(access: ModuleAccess) -> int:
    end = certificate_end(access)
    assert end
    return round((end - datetime.now(UTC)) / timedelta(days=1))


def test_the_end_is_read_from_a_pfx_and_from_a_pem(tmp_path: Path, password: SecretSource) -> None:
    file = make_certificate(tmp_path, days=12)
    assert days_left(ModuleAccess(certificate_file=file, certificate_password=password)) == 12
    locked = pkcs12.load_pkcs12(file.read_bytes(), CERTIFICATE_PASSWORD.encode())
    assert locked.cert
    pem = tmp_path / "one.pem"
    text = locked.cert.certificate.public_bytes(Encoding.PEM)
    pem.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n" + text)
    assert days_left(ModuleAccess(certificate_file=pem)) == 12


def test_what_nobody_can_open_has_no_end(tmp_path: Path) -> None:
    locked, odd, big = make_certificate(tmp_path), tmp_path / "odd.pem", tmp_path / "big.pfx"
    odd.write_text("-----BEGIN CERTIFICATE-----\nrubbish", encoding="utf-8")
    big.touch()
    os.truncate(big, MAX_SIZE + 1)
    for file in (locked, odd, big, tmp_path, tmp_path / "none.pfx"):
        assert certificate_end(ModuleAccess(certificate_file=file)) is None
    assert certificate_end(ModuleAccess()) is None
    unset = SecretSource(env="PWSH_KERNELS_NOT_SET")
    assert (
        certificate_end(ModuleAccess(certificate_file=locked, certificate_password=unset)) is None
    )


def test_a_file_is_opened_again_when_it_is_another_one(
    tmp_path: Path, password: SecretSource
) -> None:
    file, ends = make_certificate(tmp_path, days=5), CertificateEnds()
    access = ModuleAccess(certificate_file=file, certificate_password=password)
    assert ends(access) == ends(access) == certificate_end(access)
    make_certificate(tmp_path, days=9).replace(file)
    assert ends(access) == certificate_end(access)
    assert days_left(access) == 9
    assert ends(ModuleAccess()) is None
    file.unlink()
    assert ends(access) is None
