"""Quoting for shells. Nothing is imported here: `gvmpy init -` runs whenever a shell starts."""

from __future__ import annotations


def quote_posix(text: str) -> str:
    """Return `text` as one word of sh, bash, zsh, dash and ksh, always within single quotes.

    Inside single quotes nothing at all has a meaning (POSIX XCU 2.2.2); words that need no quotes get them
    nevertheless, which also keeps aliases away from them. Raises ValueError for NUL, which no shell can hold.
    """
    if "\0" in text:
        raise ValueError("no shell can hold a NUL character")
    return "'" + text.replace("'", "'\\''") + "'"
