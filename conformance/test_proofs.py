"""The table of results and the proxy between suites and server: what they do not change."""

import pytest
from authorizing_proxy import authorized, body_length
from proofs import HEAD, merged

PAGE = f"# Title\n\n{HEAD}| b | 1 | door | old |\n| c | 1 | door | kept |\n\nMore.\n"
REQUEST = b"POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 12\r\n\r\n"


def test_a_row_is_replaced_and_others_are_kept_until_everything_runs_again() -> None:
    rows = [("b", "2", "door", "new"), ("a", "1", "door", "first")]
    both = "| a | 1 | door | first |\n| b | 2 | door | new |\n"
    assert (
        merged(PAGE, rows, whole=False)
        == f"# Title\n\n{HEAD}{both}| c | 1 | door | kept |\n\nMore.\n"
    )
    assert merged(PAGE, rows, whole=True) == f"# Title\n\n{HEAD}{both}\nMore.\n"


def test_the_proxy_adds_one_header_and_forwards_the_rest_as_it_is() -> None:
    assert authorized(REQUEST, "t") == REQUEST[:-2] + b"Authorization: Bearer t\r\n\r\n"
    own = REQUEST[:-2] + b"authorization: Bearer own\r\n\r\n"
    assert authorized(own, "t") == own
    assert body_length(REQUEST) == 12
    assert body_length(b"GET /mcp HTTP/1.1\r\n\r\n") == 0
    with pytest.raises(ValueError, match="Content-Length"):
        body_length(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
