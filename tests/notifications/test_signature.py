"""A receiver can tell who sent a body: the signature of Standard Webhooks."""

import pytest

from pwsh_kernels.notifications.signature import read_secret, signature_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_the_standard_s_own_example() -> None:
    message, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    assert signature_headers(read_secret(SECRET), message, 1614265330, body) == {
        "webhook-id": message,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("text", ["", "whsec_", "MfKQ9r8G", "not base64 at all, but long enough"])
def test_a_short_secret_or_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        read_secret(text)
