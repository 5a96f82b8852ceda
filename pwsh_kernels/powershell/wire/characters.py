"""Characters that XML cannot hold, in the `_xHHHH_` form that PowerShell reads. Pure.

psrpcore does not escape these. Sent unescaped, one ends PowerShell's reader: "Remote transport
error", and no answer ever (measured).
"""

import re

_REFERENCE = re.compile(rb"\xef\xbf[\xbe\xbf]|&#(\d{5});|&#x([0-9A-Fa-f]{4});")
"""U+FFFE and U+FFFF in UTF-8; a character by its number as ElementTree writes it; as .NET does."""
_FORBIDDEN = frozenset({*range(0xD800, 0xE000), 0xFFFE, 0xFFFF})


def carried(xml: bytes) -> bytes:
    """Return the XML with the characters escaped that it cannot hold."""
    if b"\xef\xbf" not in xml and b"&#" not in xml:  # found much faster than by the expression
        return xml
    return _REFERENCE.sub(_escape, xml)


def _escape(found: "re.Match[bytes]") -> bytes:
    decimal, hexadecimal = found.groups()
    if decimal or hexadecimal:
        point = int(decimal) if decimal else int(hexadecimal, 16)
    else:
        point = ord(found[0].decode())
    return b"_x%04X_" % point if point in _FORBIDDEN else found[0]
