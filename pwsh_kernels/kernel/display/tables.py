"""A table or a list of PowerShell as HTML that looks right on light and dark pages.

Pure: values in, text out.
"""

import html
import re
from collections.abc import Iterable, Sequence

from pwsh_kernels.records import Alignment, View

NO_FORMULA = "mathjax_ignore tex2jax_ignore"
"""Class of HTML that JupyterLab's MathJax, and nbconvert's older one, leave as it is: between two
dollar signs they see a formula.
"""
_ESCAPE_SEQUENCES = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]|\x1b\]8;[^\x1b]*\x1b\\")
"""Colours and links of $PSStyle, which HTML would show as garbage."""
# Alignment stands at every cell: JupyterLab aligns all cells right, and takes style elements out of
# untrusted notebooks. No colour is named, so that the page's own hold.
_TABLE = '<table style="border-collapse:collapse;white-space:pre-wrap">'
_CELL = "padding:2px 10px;vertical-align:top"


def view_html(view: View) -> str:
    """Return the HTML of a whole view; every text of it is escaped."""
    rows = _table(view.columns, view.rows) if view.kind == "table" else _list(view.rows)
    caption = f"<div><b>{_text(view.caption)}</b></div>" if view.caption else ""
    table = f"{_TABLE}{rows}</table>" if view.rows else ""
    return f'<div class="{NO_FORMULA}">{caption}{table}{_more(view)}</div>'


def _table(columns: Sequence[tuple[str, Alignment]], rows: Iterable[Sequence[str]]) -> str:
    alignments = [alignment for _, alignment in columns]
    head = "".join(_cell("th", label, alignment) for label, alignment in columns)
    named = any(label for label, _ in columns)
    body = "".join(f"<tr>{_row(row, alignments)}</tr>" for row in rows)
    return (f"<thead><tr>{head}</tr></thead>" if named else "") + f"<tbody>{body}</tbody>"


def _row(cells: Sequence[str], alignments: Sequence[Alignment]) -> str:
    """Return the cells of a row; PowerShell leaves out whole columns that did not fit, never single
    cells.
    """
    return "".join(
        _cell("td", text, alignment) for text, alignment in zip(cells, alignments, strict=False)
    )


def _list(objects: Iterable[Iterable[tuple[str, str]]]) -> str:
    return "".join(
        f"<tbody>{''.join(_pair(label, value) for label, value in one)}</tbody>" for one in objects
    )


def _pair(label: str, value: str) -> str:
    head = f'<th scope="row" style="text-align:left;{_CELL}">{_text(label)}</th>'
    return f"<tr>{head}{_cell('td', value, 'left')}</tr>"


def _cell(tag: str, text: str, alignment: Alignment) -> str:
    return f'<{tag} style="text-align:{alignment};{_CELL}">{_text(text)}</{tag}>'


def _text(text: str) -> str:
    return html.escape(_ESCAPE_SEQUENCES.sub("", text))


def _more(view: View) -> str:
    if not view.more:
        return ""
    rows = (
        ("row" if view.more == 1 else "rows")
        if view.kind == "table"
        else ("object" if view.more == 1 else "objects")
    )
    shown = f" ({len(view.rows)} shown)" if view.rows else ""
    return f"<div>… {view.more:,} more {rows}{shown}</div>"
