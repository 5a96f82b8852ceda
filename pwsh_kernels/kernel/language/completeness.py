"""Whether code is complete, by PowerShell's own parser.

Pure: the script to ask with, and the reading of its answer.
"""

from collections.abc import Sequence
from typing import Any

INDENT = "    "
SCRIPT = r"""
param([string]$Code)
$tokens = $errors = $null
$null = [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref]$tokens, [ref]$errors)
$depth = 0
foreach ($token in $tokens) {
    if ($token.Kind -in 'LCurly', 'LParen', 'LBracket', 'AtCurly', 'AtParen', 'DollarParen') { $depth++ }
    elseif ($token.Kind -in 'RCurly', 'RParen', 'RBracket') { $depth-- }
}
$depth
$end = $Code.TrimEnd().Length
$open = 'EmptyPipeElement', 'MissingExpression', 'MissingArgument', 'MissingFileSpecification', 'MissingTypeBody',
    'EndSquareBracketExpectedAtEndOfAttribute', 'EndSquareBracketExpectedAtEndOfType'
foreach ($mistake in $errors) {
    $mistake.ErrorId
    $mistake.IncompleteInput -or ($mistake.Extent.EndOffset -ge $end -and $mistake.ErrorId -in $open)
}
"""  # noqa: E501
"""Its output: the number of open brackets, then id and "is it only incomplete" of each parse error.

The parser does not call everything incomplete that more lines can make right: at the end of the
code, some errors mean that something is still to come (`Get-Item |` with an empty line below, `1
>`, `[int`).
"""
OPEN_TEXTS = {"TerminatorExpectedAtEndOfString", "MissingTerminatorMultiLineComment"}
"""Errors of an open string, here-string or comment: an indent would become part of it."""


def answer(output: Sequence[Any]) -> dict[str, str]:
    """Return the content of an is_complete_reply: code that more lines can make right is
    `incomplete`.
    """
    depth, *rest = output or (0,)
    errors = dict(zip(rest[::2], rest[1::2], strict=True))
    if not errors:
        return {"status": "complete"}
    if not all(errors.values()):
        return {"status": "invalid"}
    levels = 0 if OPEN_TEXTS & set(errors) else max(int(depth), 0)
    return {"status": "incomplete", "indent": INDENT * levels}


def unknown() -> dict[str, str]:
    """Return the content of the reply when PowerShell could not be asked."""
    return {"status": "unknown"}
