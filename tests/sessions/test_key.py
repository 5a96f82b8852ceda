"""The key of a session: its names, and what is read back from each of them."""

import uuid

import pytest

from pwsh_kernels.sessions.key import SessionKey

WRITES = SessionKey("contoso.com", "exo")
READS = SessionKey("contoso.com", "exo", "read")
ODD = SessionKey("contoso.com.exo", "read")


def test_a_session_that_writes_has_the_names_that_it_always_had() -> None:
    assert (str(WRITES), WRITES.kernelspec) == ("contoso.com:exo", "contoso.com.exo")
    assert WRITES.kernel_id == str(uuid.uuid5(uuid.NAMESPACE_URL, "contoso.com:exo"))
    assert WRITES.folder == "exo"


@pytest.mark.parametrize("key", [WRITES, READS, ODD, SessionKey("a.b", "my-own_one", "read")])
def test_each_name_leads_back_to_its_session(key: SessionKey) -> None:
    assert SessionKey.parse(str(key)) == key
    assert SessionKey.of_kernelspec(key.kernelspec) == key
    assert SessionKey.of_folder(key.tenant, key.folder) == key


def test_no_two_sessions_share_a_name() -> None:
    keys = [WRITES, READS, ODD]
    for names in ([one.kernelspec for one in keys], [one.kernel_id for one in keys]):
        assert len(set(names)) == len(keys)


def test_a_name_without_a_module_means_the_one_that_is_given() -> None:
    assert SessionKey.parse("contoso.com", "exo") == WRITES
    assert SessionKey.parse("contoso.com::read", "exo") == READS
    assert SessionKey.parse("contoso.com:read", "exo") == SessionKey("contoso.com", "read")
