"""QR codes of an address, for terminals and for pages."""

import functools
import io

import segno

QUIET_ZONE = 2
"""Modules of empty border; a phone needs at least two."""
ADDRESSES = 16
"""Codes that are cached: each service has one address, and every status of a pending sign-in shows
it.
"""


@functools.lru_cache(ADDRESSES)
def qr_text(address: str) -> str:
    """Return a QR code of half blocks, for a terminal; its lines end with a line feed."""
    text = io.StringIO()
    segno.make_qr(address, error="l").terminal(text, border=QUIET_ZONE, compact=True)
    return text.getvalue()


@functools.lru_cache(ADDRESSES)
def qr_svg(address: str) -> str:
    """Return a QR code as an SVG element that scales with its place; it contains no script and
    refers to no other address.
    """
    return segno.make_qr(address, error="m").svg_inline(border=QUIET_ZONE, omitsize=True)
