"""Escape sequences of terminals (ECMA-48): colours, titles, links.

Pure; imports nothing of ours.
"""

import re
import unicodedata

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of controls, formats (such as those that turn the direction of writing),
half characters, and separators of lines and paragraphs.
"""
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")


def without_escapes(text: str) -> str:
    """Return the text without its escape sequences."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def visible(text: str) -> str:
    """Return the text with every character that is not seen, or moves others, as `\\u{CODE}`.

    What a person is to judge must be what they see. Line ends and tabs stay.
    """
    return "".join(
        f"\\u{{{ord(one):X}}}"
        if unicodedata.category(one) in _UNSEEN and one not in "\n\t"
        else one
        for one in text.replace("\r\n", "\n")
    )


def plain(text: str) -> str:
    """Return the text without terminal escapes and without characters that JSON cannot carry."""
    return _LONE_SURROGATES.sub("\ufffd", without_escapes(text))
