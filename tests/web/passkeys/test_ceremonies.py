"""A passkey proves that a person is there, for one approval of one change, once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pwsh_kernels.errors import BrokenFile, PasskeyRefused, UnknownPasskey
from pwsh_kernels.web.passkeys.ceremonies import MOST_KEYS, PasskeyCeremonies
from pwsh_kernels.web.passkeys.challenges import LIFE, MOST, Challenges, Purpose
from pwsh_kernels.web.passkeys.relying_party import RelyingParty, relying_party
from pwsh_kernels.web.passkeys.store import PasskeyStore
from tests.fixtures.authenticator import Authenticator, challenge_of

PARTY = RelyingParty("pwsh.contoso.example", "https://pwsh.contoso.example")
ADA, BOB = "person:ada", "person:bob@contoso.example"
APPROVAL, DIGEST, OTHER = "a-1", "ab" * 32, "cd" * 32


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 12, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    """The clock of the ceremonies."""
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> PasskeyCeremonies:
    """The ceremonies of a server, with nothing kept yet."""
    return PasskeyCeremonies(PasskeyStore(tmp_path), Challenges(clock), clock)


@pytest.fixture
def device(desk: PasskeyCeremonies) -> Authenticator:
    """A device on which Ada has a passkey."""
    one = Authenticator()
    desk.add(ADA, PARTY, one.create(desk.creation_options(ADA, PARTY)), "Ada's key")
    return one


def asked(desk: PasskeyCeremonies, who: str = ADA, approval: str = APPROVAL) -> str:
    return desk.assertion_options(who, PARTY, approval, DIGEST)


def test_a_passkey_that_was_added_proves_an_approval_and_says_when(
    desk: PasskeyCeremonies, device: Authenticator, clock: Clock
) -> None:
    clock.time += timedelta(days=1)
    used = desk.check(ADA, PARTY, APPROVAL, DIGEST, device.get(asked(desk)))
    assert (used.name, used.used) == ("Ada's key", clock.time)
    assert desk.store.ring(ADA).keys == (used,)


def test_the_digest_is_a_part_of_what_is_signed(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    assert challenge_of(asked(desk)).endswith(bytes.fromhex(DIGEST))
    assert len(challenge_of(asked(desk))) == 64


def test_an_answer_counts_once(desk: PasskeyCeremonies, device: Authenticator) -> None:
    answer = device.get(asked(desk))
    desk.check(ADA, PARTY, APPROVAL, DIGEST, answer)
    with pytest.raises(PasskeyRefused, match="answers nothing that was asked"):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, answer)


def test_an_answer_counts_for_two_minutes(
    desk: PasskeyCeremonies, device: Authenticator, clock: Clock
) -> None:
    answer = device.get(asked(desk))
    clock.time += LIFE
    with pytest.raises(PasskeyRefused, match="within two minutes"):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, answer)


@pytest.mark.parametrize(
    ("who", "approval", "digest"),
    [(BOB, APPROVAL, DIGEST), (ADA, "a-2", DIGEST), (ADA, APPROVAL, OTHER), (ADA, "", "")],
)
def test_an_answer_counts_for_who_was_asked_and_for_that_change_only(
    desk: PasskeyCeremonies, device: Authenticator, who: str, approval: str, digest: str
) -> None:
    with pytest.raises(PasskeyRefused, match="answers nothing that was asked"):
        desk.check(who, PARTY, approval, digest, device.get(asked(desk)))


def test_a_device_that_did_not_verify_its_user_proves_nothing(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    device.verifies = False
    with pytest.raises(PasskeyRefused, match="verif"):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, device.get(asked(desk)))
    with pytest.raises(PasskeyRefused, match="verif"):
        desk.add(ADA, PARTY, device.create(desk.creation_options(ADA, PARTY)), "")


@pytest.mark.parametrize(
    "facts", [{"origin": "https://pwsh.c0ntoso.example"}, {"rp_id": "evil.example"}]
)
def test_an_answer_to_another_site_proves_nothing(
    desk: PasskeyCeremonies, device: Authenticator, facts: dict[str, str]
) -> None:
    vars(device).update(facts)
    with pytest.raises(PasskeyRefused):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, device.get(asked(desk)))


def test_another_key_with_the_same_id_proves_nothing(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    thief = Authenticator(id=device.id, count=100)
    with pytest.raises(PasskeyRefused):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, thief.get(asked(desk)))


def test_a_copy_whose_counter_falls_behind_proves_nothing(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    copy = Authenticator(id=device.id, key=device.key, count=0, counts=False)
    desk.check(ADA, PARTY, APPROVAL, DIGEST, device.get(asked(desk)))
    with pytest.raises(PasskeyRefused, match="sign count"):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, copy.get(asked(desk)))


def test_a_key_of_somebody_else_proves_nothing(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    bobs = Authenticator()
    desk.add(BOB, PARTY, bobs.create(desk.creation_options(BOB, PARTY)), "")
    with pytest.raises(PasskeyRefused):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, bobs.get(asked(desk)))


def test_who_has_no_passkey_is_told_how_to_add_one(desk: PasskeyCeremonies) -> None:
    with pytest.raises(PasskeyRefused, match="pwsh-kernels passkey add"):
        asked(desk)


def test_the_options_ask_for_the_user_and_name_the_keys_that_there_are(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    creation = json.loads(desk.creation_options(ADA, PARTY))
    request = json.loads(asked(desk))
    assert creation["authenticatorSelection"]["userVerification"] == "required"
    assert request["userVerification"] == "required"
    known = [one["id"] for one in creation["excludeCredentials"]]
    assert known == [one["id"] for one in request["allowCredentials"]]
    assert len(known) == 1
    assert creation["rp"]["id"] == request["rpId"] == PARTY.id


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "{}",
        "[" * 10_000,
        json.dumps({"response": {"clientDataJSON": 3}}),
        json.dumps({"response": {"clientDataJSON": "!"}}),
        "x" * 30_000,
    ],
)
def test_what_cannot_be_read_is_refused(desk: PasskeyCeremonies, answer: str) -> None:
    with pytest.raises(PasskeyRefused, match="cannot be read"):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, answer)


def test_an_answer_without_a_signature_is_refused(
    desk: PasskeyCeremonies, device: Authenticator
) -> None:
    facts = json.loads(device.get(asked(desk)))
    del facts["response"]["signature"]
    with pytest.raises(PasskeyRefused):
        desk.check(ADA, PARTY, APPROVAL, DIGEST, json.dumps(facts))


def test_there_is_an_end_to_keys_and_to_challenges(desk: PasskeyCeremonies, clock: Clock) -> None:
    for number in range(MOST_KEYS):
        device = Authenticator()
        answer = device.create(desk.creation_options(ADA, PARTY))
        assert desk.add(ADA, PARTY, answer, "").name == f"passkey {number + 1}"
    with pytest.raises(PasskeyRefused, match="remove one first"):
        desk.creation_options(ADA, PARTY)
    first = desk.challenges.issue(Purpose(BOB))
    for _ in range(MOST):
        desk.challenges.issue(Purpose(BOB))
    with pytest.raises(PasskeyRefused):
        desk.challenges.take(first, Purpose(BOB))


def test_passkeys_outlive_the_server_in_a_file_that_nobody_else_reads(
    desk: PasskeyCeremonies, device: Authenticator, tmp_path: Path
) -> None:
    again = PasskeyStore(tmp_path)
    assert again.ring(ADA) == desk.store.ring(ADA)
    [file] = (tmp_path / "passkeys").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    gone = again.remove(ADA, again.ring(ADA).keys[0].id)
    assert gone.name == "Ada's key"
    assert again.ring(ADA).keys == ()
    with pytest.raises(UnknownPasskey):
        again.remove(ADA, gone.id)


@pytest.mark.parametrize("change", ["person:bob", "{"])
def test_a_file_that_was_damaged_or_is_somebody_else_s_is_refused(
    desk: PasskeyCeremonies, device: Authenticator, tmp_path: Path, change: str
) -> None:
    [file] = (tmp_path / "passkeys").iterdir()
    text = file.read_text()
    file.write_text(change if change == "{" else text.replace(ADA, change))
    with pytest.raises(BrokenFile):
        asked(desk)


@pytest.mark.parametrize(
    ("public", "protocol", "host", "found"),
    [
        ("", "http", "localhost:5100", RelyingParty("localhost", "http://localhost:5100")),
        ("", "http", "127.0.0.1:5100", None),
        ("", "https", "pwsh.contoso.example", None),
        ("https://Pwsh.contoso.example", "http", "127.0.0.1:5100", PARTY),
        (
            "https://p.example:8443",
            "http",
            "x",
            RelyingParty("p.example", "https://p.example:8443"),
        ),
        ("https://192.0.2.1", "https", "192.0.2.1", None),
        ("https://[::1]:5100", "https", "[::1]:5100", None),
    ],
)
def test_browsers_keep_passkeys_for_a_name_that_we_know_to_be_ours(
    public: str, protocol: str, host: str, found: RelyingParty | None
) -> None:
    assert relying_party(public, protocol, host) == found
