"""Script files are read as PowerShell reads them; what it would garble is refused by name."""

import codecs

import pytest

from pwsh_kernels.errors import UndecodableScript
from pwsh_kernels.script_text import decode_script, without_mark

SCRIPT = 'Write-Output "né 中"\r\n'


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF8 * 2, "utf-8"),
    ],
)
def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(mark: bytes, encoding: str) -> None:
    assert decode_script(mark + SCRIPT.encode(encoding), "x.ps1") == SCRIPT


@pytest.mark.parametrize(
    ("data", "looks_like", "line"),
    [
        (b'1\r\nWrite-Output "cp1252 \xe9"\r\n', "WINDOWS-1252", 2),
        ("Get-Item /".encode("utf-16-le"), "UTF-16LE", None),
        ("Get-Item /".encode("utf-16-be"), "UTF-16BE", None),
        ('"\u00e9\u00e8"; Get-Item /'.encode("utf-16-le"), "UTF-16LE", 1),
        (b"\x7fELF\x02\x01\x01\x00\x81\x8d", "", 1),
        (codecs.BOM_UTF16_LE + b"a", "", None),
        (b"\x81\x8d", "", 1),
    ],
)
def test_other_bytes_are_refused_with_the_encoding_that_they_look_like(
    data: bytes, looks_like: str, line: int | None
) -> None:
    with pytest.raises(UndecodableScript) as refusal:
        decode_script(data, "x.ps1")
    facts = refusal.value.facts()
    assert (facts["looks_like"], facts["line"]) == (looks_like, line)
    assert (f"iconv -f {looks_like} -t UTF-8" in refusal.value.text()) == bool(looks_like)


def test_a_mark_inside_a_script_stays() -> None:
    assert without_mark("\ufeff\ufeff'a\ufeffb'") == "'a\ufeffb'"
