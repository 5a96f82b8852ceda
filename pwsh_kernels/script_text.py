"""Bytes of a script file as text, decoded as PowerShell would, or the encoding that they look like.
Pure.
"""

from pwsh_kernels.errors import UndecodableScript

MARK = "\ufeff"
"""The byte order mark, decoded: not part of a script, wherever it comes from."""
_MARKED = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
"""Byte order marks that .NET knows; the longer one of two that begin alike comes first."""


def without_mark(script: str) -> str:
    """Return a script without the byte order marks at its beginning: PowerShell would take one for
    a part of the first command's name, and go on with the next.
    """
    return script.lstrip(MARK)


def decode_script(data: bytes, source: str) -> str:
    """Return the text of a script file: by its byte order mark, else as UTF-8.

    Raises UndecodableScript, which says what the bytes of `source` look like.
    """
    mark, encoding = next((one for one in _MARKED if data.startswith(one[0])), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1 if encoding == "utf-8" else None
        raise UndecodableScript(source, _looks_like(data, mark), line) from None
    if "\0" in text:
        raise UndecodableScript(source, _looks_like(data, mark), None)
    return without_mark(text)


def _looks_like(data: bytes, mark: bytes) -> str:
    """Return the name of the encoding that bytes seem to be in, as iconv knows it; "" for none."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if not mark and max(even, odd) * 4 > len(data):
        return "UTF-16LE" if odd > even else "UTF-16BE"
    if mark or even or odd:
        return ""
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return "WINDOWS-1252"
