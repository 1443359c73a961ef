"""The switch that is under way: written before each step, so that a crash at any line can be put right.

A journal that is there without its writer is a crash. The next command that may change the default finds it
under the lock; whoever only reads may ask `pending`, and leaves it alone.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gvmpy.errors import HostError
from gvmpy.files import sync_directory, write_atomic
from gvmpy.switch.history import Record

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.home import Home

_SCHEMA = 1


class Phase(StrEnum):
    """How far the switch is, and so what a crash there asks for."""

    CHECKING = "checking"
    """The link is the old one. Nothing was changed."""
    APPLYING = "applying"
    """The link may be the new one, and hooks may have begun to act: all of it goes back."""
    ROLLING_BACK = "rolling-back"
    """It goes back; doing that again does no harm."""
    DONE = "done"
    """The switch holds; its line in the history may be missing."""


@dataclass(frozen=True, slots=True)
class Journal:
    """A switch under way: how far it is, who does it, and what the history will say of it."""

    phase: Phase
    process: int
    record: Record

    def at(self, phase: Phase, record: Record | None = None) -> Journal:
        """Return the journal of the same switch, one step on."""
        return replace(self, phase=phase, record=record or self.record)


def pending(home: Home) -> Journal | None:
    """Return the switch that is under way, or was when its process ended; None for none.

    Reads and locks nothing. `is_running` tells which of the two it is. Raises HostError when the file is
    there and cannot be read.
    """
    try:
        data = file_of(home).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostError(f"cannot read `{file_of(home)}`: {error.strerror}") from error
    return _parse(data)


def is_running(journal: Journal) -> bool:
    """Whether a process with its number is there; a number may have been given anew meanwhile."""
    try:
        os.kill(journal.process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write(home: Home, journal: Journal) -> None:
    """Keep `journal` for whoever comes after a crash. Raises HostError."""
    document = {
        "schema": _SCHEMA,
        "phase": journal.phase.value,
        "process": journal.process,
        "switch": journal.record.as_line(),
    }
    try:
        write_atomic(file_of(home), json.dumps(document).encode())
    except OSError as error:
        raise HostError(f"cannot write `{file_of(home)}`: {error.strerror}") from error


def clear(home: Home) -> None:
    """Say that nothing is under way. Raises HostError."""
    try:
        file_of(home).unlink(missing_ok=True)
        sync_directory(home.state)
    except OSError as error:
        raise HostError(f"cannot remove `{file_of(home)}`: {error.strerror}") from error


def is_there(home: Home) -> bool:
    """Whether there is a journal, legible or not."""
    return file_of(home).exists()


def _parse(data: bytes) -> Journal | None:
    """Return the journal that `data` is; None for what gvmpy never wrote, since writing is atomic."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        document: dict[str, Any] = json.loads(data)
        if document["schema"] == _SCHEMA:
            process = int(document["process"])
            return Journal(Phase(document["phase"]), process, Record.parse(document["switch"]))
    return None


def file_of(home: Home) -> Path:
    """Return where the journal is, there or not."""
    return home.state / "journal.json"
