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
    from collections.abc import Callable, Iterator, Mapping

FILE_NAME = ".go-version"
TOOLS_NAME = ".tool-versions"
_TOOLS = (b"golang", b"go")
# The word that counts has to end within so many bytes.
_LIMIT = 1024
# What [[:space:]] is in the C locale, as the shim strips it, without the newline.
BLANKS = b" \t\r\v\f"


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
    """Return what the nearest `.go-version`, or `.tool-versions` with a Go in it, asks for, from `directory`
    upward; None when there is none. In one directory, `.go-version` goes first.

    Raises UsageError for a file that cannot be read or names no version.
    """
    return next(find_pins(directory), None)


def find_pins(directory: Path | None) -> Iterator[Pin]:
    """Yield every pin from `directory` upward, the one that counts first. Raises as find_pin() does."""
    for path, read in pin_files(directory):
        if (pin := read(path)) is not None:
            yield pin


def pin_files(directory: Path | None) -> Iterator[tuple[Path, Callable[[Path], Pin | None]]]:
    """Yield every file from `directory` upward that may hold a pin, in the order they are asked, with what
    reads it: that gives None for a file without a Go in it, and raises as find_pin() does.
    """
    if directory is None:
        return
    for place in (directory, *directory.parents):
        for name, read in ((FILE_NAME, _read_pin), (TOOLS_NAME, _read_tools)):
            if os.path.isfile(place / name):
                yield place / name, read


def _read_pin(path: Path) -> Pin:
    """Read the first word of the first line that is neither empty nor a comment."""
    seen = 0
    for number, line in enumerate(_lines(path), start=1):
        stripped = line.lstrip(BLANKS)
        if stripped and not stripped.startswith(b"#"):
            word = _first_word(stripped)
            return _pin(path, number, word, seen + len(line) - len(stripped) + len(word))
        seen += len(line) + 1
    raise _nameless(path)


def _read_tools(path: Path) -> Pin | None:
    """Read the word behind the first `golang` or `go`, as asdf and mise have it; None where there is none."""
    seen = 0
    for number, line in enumerate(_lines(path), start=1):
        if seen >= _LIMIT:
            break
        stripped = line.lstrip(BLANKS)
        tool = _first_word(stripped)
        if tool in _TOOLS and seen + len(line) - len(stripped) + len(tool) <= _LIMIT:
            rest = stripped[len(tool) :].lstrip(BLANKS)
            word = _first_word(rest)
            if not word or word.startswith(b"#"):
                raise _nameless(path)
            return _pin(path, number, word, seen + len(line) - len(rest) + len(word))
        seen += len(line) + 1
    return None


def _pin(path: Path, number: int, word: bytes, end: int) -> Pin:
    """Return the pin whose word ends `end` bytes into the file. Raises UsageError when that is too far."""
    if end > _LIMIT:
        raise _nameless(path)
    return Pin(path, number, word.decode("utf-8", "surrogateescape"))


def _lines(path: Path) -> list[bytes]:
    try:
        with open(path, "rb") as stream:
            # One byte more than may count, so that a word cut off there shows as too long.
            data = stream.read(_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {error.strerror}") from error
    # Shells drop NUL bytes as they read, so they are no part of the text here either.
    return data.replace(b"\0", b"").split(b"\n")


def _nameless(path: Path) -> UsageError:
    return UsageError(
        f"`{path}` names no version in its first {_LIMIT} bytes",
        hint="write a version such as 1.22.3 into it, or remove the file",
    )


def _first_word(line: bytes) -> bytes:
    for index, byte in enumerate(line):
        if byte in BLANKS:
            return line[:index]
    return line


def _is_here(spelled: str) -> bool:
    try:
        return os.path.samefile(spelled, ".")
    except OSError:
        return False
