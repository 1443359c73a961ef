"""Plain tables: columns as wide as their widest cell, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` under `header`, cells left-aligned and fit to be shown, without trailing blanks."""
    return columns([header, *rows])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return `rows`, all of one length, as a table does that has no header."""
    if not rows:
        return ""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
