"""What XML cannot hold, on its way to PowerShell."""

import pytest

from pwsh_kernels.powershell.wire.characters import carried
from pwsh_kernels.powershell.wire.templates import xml_of


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\uffffb", b"a_xFFFF_b"),
        ("\ufffe", b"_xFFFE_"),
        ("\ud9ff", b"_xD9FF_"),
        ("\ud800", b"_xD800_"),
        ("\x00\x1b", b"_x0000__x001B_"),
        ("_xFFFF_", b"_x005F_xFFFF_"),
        ("&#55552;", b"&amp;#55552;"),
    ],
)
def test_a_character_that_xml_forbids_is_escaped(text: str, escaped: bytes) -> None:
    assert xml_of(text) == b"<S>" + escaped + b"</S>"


@pytest.mark.parametrize("xml", [b"", "<S>é�﷐</S>".encode(), b"&#10; &#65536; &amp;"])
def test_what_xml_can_hold_stays_as_it_is(xml: bytes) -> None:
    assert carried(xml) == xml


def test_a_character_that_net_writes_by_its_number_is_escaped() -> None:
    assert carried(b"<S>&#xFFFF;&#xfffe;&#x0041;</S>") == b"<S>_xFFFF__xFFFE_&#x0041;</S>"
