"""Plain tables: columns as wide as their widest cell, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return `rows` under `header`, cells left-aligned and fit to be shown, without trailing blanks."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (header, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)
