"""What a check hands back: findings, and what mends each."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Severity(Enum):
    """An error stops something, a warning will or may, a note is for knowing and counts as no finding."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fix:
    """How a finding is mended. `command` is what a person can type, "" where there is no such thing.

    A safe one has `apply`, which `--fix` calls after showing `action`; it raises OSError or GvmpyError. One
    for an administrator alone is a command that begins with `sudo`.
    """

    command: str
    action: str = ""
    apply: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is one sentence, `where` a path, a line of a file or a variable, `why` what comes of it.

    They may hold what stands on this machine, be it file names or values, as it is: show them through
    gvmpy.ui.style. The `id` is for scripts and for docs/how-to/doctor.md.
    """

    id: str
    severity: Severity
    what: str
    where: str
    why: str
    fix: Fix


def command(*words: str | os.PathLike[str]) -> str:
    """Return a command line that a POSIX shell reads as these words, whatever is in them, and that a terminal
    shows: what is not printable goes through printf(1).
    """
    return " ".join(_quoted(str(word)) for word in words)


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    octal = "".join(f"\\0{byte:03o}" for byte in os.fsencode(word))
    return f'"$(printf %b {shlex.quote(octal)})"'
