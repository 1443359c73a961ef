"""Quoting for shells. Nothing is imported here: `gvmpy init -` runs whenever a shell starts."""

from __future__ import annotations


def quote_posix(text: str) -> str:
    """Return `text` as one word of sh, bash, zsh, dash and ksh, always within single quotes.

    Inside single quotes nothing at all has a meaning (POSIX XCU 2.2.2); words that need no quotes get them
    nevertheless, which also keeps aliases away from them. Raises ValueError for NUL, which no shell can hold.
    """
    return "'" + _without_nul(text).replace("'", "'\\''") + "'"


def quote_fish(text: str) -> str:
    r"""Return `text` as one word of fish, always within single quotes.

    Inside them `\\` and `\'` stand for one character each, and nothing else has a meaning (fish language,
    "Quotes"); what is right for sh is wrong here wherever there is a backslash. Raises ValueError for NUL.
    """
    return "'" + _without_nul(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("no shell can hold a NUL character")
    return text
