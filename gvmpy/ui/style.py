"""Colour, where it is wanted and can be seen; it never carries the meaning alone."""

from __future__ import annotations

import os
from typing import TextIO

_CODES = {"red": "31", "cyan": "36"}


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return `text` in `colour` for a terminal that has colours, unchanged under NO_COLOR or into a pipe."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def one_line(text: str) -> str:
    """Return `text` as printable() does, newlines spelled out too: a file's name must not pass for a line."""
    return printable(text).replace("\n", "\\n")


def printable(text: str) -> str:
    """Return `text` with control characters spelled out: names from outside must not steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)
