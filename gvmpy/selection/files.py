"""Project files that choose a version.

They come with other people's projects: hostile input, which can choose among what is installed and nothing
else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = ".go-version"
# The word that counts has to end within so many bytes.
_LIMIT = 1024
# What [[:space:]] is in the C locale, as the shim strips it, without the newline.
_BLANKS = b" \t\r\v\f"


@dataclass(frozen=True, slots=True)
class Pin:
    """The word a project file asks with, unparsed, and where it stands; lines count from 1."""

    path: Path
    line: int
    word: str

    def __str__(self) -> str:
        return f"`{self.path}` line {self.line}"


def current_directory(environ: Mapping[str, str]) -> Path | None:
    """Return where the user stands, spelled as they came there; None when that directory is gone.

    $PWD keeps the links in the spelling; it is believed only when it names this very directory.
    """
    spelled = environ.get("PWD", "")
    if spelled.startswith("/") and not {".", ".."} & set(spelled.split("/")) and _is_here(spelled):
        return Path(spelled)
    try:
        return Path(os.getcwd())
    except FileNotFoundError:
        return None


def find_pin(directory: Path | None) -> Pin | None:
    """Return what the nearest `.go-version` from `directory` upward asks for; None when there is none.

    Raises UsageError for a file that cannot be read or names no version.
    """
    if directory is None:
        return None
    for place in (directory, *directory.parents):
        path = place / FILE_NAME
        if os.path.isfile(path):
            return _read(path)
    return None


def _read(path: Path) -> Pin:
    try:
        with open(path, "rb") as stream:
            # One byte more than may count, so that a word cut off there shows as too long.
            data = stream.read(_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from error
    seen = 0
    # Shells drop NUL bytes as they read, so they are no part of the text here either.
    for number, line in enumerate(data.replace(b"\0", b"").split(b"\n"), start=1):
        stripped = line.lstrip(_BLANKS)
        if stripped and not stripped.startswith(b"#"):
            word = _first_word(stripped)
            if seen + len(line) - len(stripped) + len(word) > _LIMIT:
                break
            return Pin(path, number, word.decode("utf-8", "surrogateescape"))
        seen += len(line) + 1
    raise UsageError(
        f"`{path}` names no version in its first {_LIMIT} bytes",
        hint="write a version such as 1.22.3 on its first line, or remove the file",
    )


def _first_word(line: bytes) -> bytes:
    for index, byte in enumerate(line):
        if byte in _BLANKS:
            return line[:index]
    return line


def _is_here(spelled: str) -> bool:
    try:
        return os.path.samefile(spelled, ".")
    except OSError:
        return False
