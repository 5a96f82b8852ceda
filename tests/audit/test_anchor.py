"""The head of the log, told to syslog: what shows that a log was written anew."""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pwsh_kernels.audit.anchor import SyslogAnchor, address_of
from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.verification import verify
from pwsh_kernels.settings import Settings
from tests.audit.records import event

WAIT_S = 10


@pytest.fixture
def syslog() -> Iterator[socket.socket]:
    """A syslog over UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(WAIT_S)
        yield one


def heard(syslog: socket.socket) -> str:
    return syslog.recv(10_000).decode().rstrip("\0")


def test_a_log_that_was_written_anew_does_not_hold_the_hash_that_syslog_was_told(
    tmp_path: Path, syslog: socket.socket
) -> None:
    log = AuditLog(tmp_path / "audit")
    for number in range(3):
        log.append(event(number))
    SyslogAnchor(log, syslog.getsockname()).tell()
    said = heard(syslog)
    found = re.fullmatch(r"<\d+>pwsh-kernels audit head seq=4 hash=([0-9a-f]{64})", said)
    assert found
    log.append(event(4))
    assert verify(named_lines(tmp_path / "audit"), [found[1]]).problems == ()
    log.close()
    shutil.rmtree(tmp_path / "audit")
    anew = AuditLog(tmp_path / "audit")
    for number in range(5):
        anew.append(event(number))
    assert verify(named_lines(tmp_path / "audit")).problems == ()
    assert len(verify(named_lines(tmp_path / "audit"), [found[1]]).problems) == 1


def test_a_head_is_told_once(tmp_path: Path, syslog: socket.socket) -> None:
    log = AuditLog(tmp_path)
    anchor = SyslogAnchor(log, syslog.getsockname())
    anchor.tell()  # there is none yet
    log.append(event(1))
    anchor.tell()
    anchor.tell()
    log.append(event(2))
    anchor.tell()
    assert ["seq=2" in heard(syslog), "seq=3" in heard(syslog)] == [True, True]


def test_a_head_that_could_not_be_told_is_told_the_next_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, place = AuditLog(tmp_path / "audit"), tmp_path / "log"
    log.append(event(1))
    anchor = SyslogAnchor(log, str(place))
    anchor.tell()
    assert "not told to syslog" in caplog.text
    assert (anchor.told, anchor.problem) == (None, "there is no " + str(place))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as late:
        late.bind(str(place))
        late.settimeout(WAIT_S)
        anchor.tell()
        assert "seq=2" in heard(late)
    assert anchor.told is not None
    assert (anchor.told.seq, anchor.problem, anchor.to) == (2, "", str(place))


def test_an_address_is_a_socket_or_a_host_with_a_port() -> None:
    assert address_of("/dev/log") == "/dev/log"
    assert address_of("log.example:1514") == ("log.example", 1514)
    assert address_of("log.example") == ("log.example", 514)
    assert address_of("[::1]:1514") == ("::1", 1514)
    assert address_of("[::1]") == ("::1", 514)


@pytest.mark.parametrize("odd", ["log.example:", "log.example:x", "a b", ":514", "::1"])
def test_what_is_no_address_is_refused_when_the_settings_are_read(
    monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.setenv("PWSH_MANAGER_AUDIT_SYSLOG", odd)
    with pytest.raises(ValidationError, match="HOST:PORT"):
        Settings()
