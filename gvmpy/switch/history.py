"""What the default was, and when: one line of JSON a switch, the newest last, in state/history.jsonl.

A line is appended by one write. A crash, or a full disk, in between leaves a torn one at the end, which
readers pass over and the next writer closes. Writers hold the lock of the default.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from gvmpy.errors import HostError
from gvmpy.files import write_atomic
from gvmpy.switch.default import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gvmpy.home import Home
    from gvmpy.switch.pipeline import Ran

Done = Literal["done", "refused", "rolled-back", "interrupted"]
"""How a switch ended: it holds; a hook did not let it begin; it was put back after a hook failed, or after a
signal or a crash.
"""

KEPT = 200
"""Lines that are never thrown away; twice as many are cut down to these."""
_MOST_BYTES = 4 << 20
_MESSAGE = 200


@dataclass(frozen=True, slots=True)
class HookLine:
    """What is remembered of a hook: its result, and the first message when that was not `ok`."""

    name: str
    stage: str
    status: str
    message: str

    @classmethod
    def of(cls, ran: Ran) -> Self:
        """Return what is worth remembering of `ran`; what it printed is not."""
        messages = ran.result.messages if ran.result.status != "ok" else ()
        first = messages[0][:_MESSAGE] if messages else ""
        return cls(ran.name, ran.stage.value, ran.result.status, first)

    def as_data(self) -> dict[str, str]:
        """Return the same for JSON."""
        return {"name": self.name, "stage": self.stage, "status": self.status, "message": self.message}


@dataclass(frozen=True, slots=True)
class Record:
    """One switch. `time` is UTC, to the second; `by` the command that asked for it."""

    switch: str
    time: str
    before: Choice
    after: Choice
    by: str
    outcome: Done
    hooks: tuple[HookLine, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the default was another afterwards."""
        return self.outcome == "done" and self.before != self.after

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Return the record that as_line() put into words. Raises ValueError, KeyError or TypeError."""
        texts = [data[name] for name in ("switch", "time", "by")]
        hooks = tuple(
            HookLine(*(str(hook[name]) for name in ("name", "stage", "status", "message")))
            for hook in data["hooks"]
        )
        if not all(isinstance(text, str) for text in texts) or data["outcome"] not in get_args(Done):
            raise ValueError("not a record")
        before, after = Choice.parse(data["from"]), Choice.parse(data["to"])
        return cls(texts[0], texts[1], before, after, texts[2], data["outcome"], hooks)

    def as_line(self) -> dict[str, Any]:
        """Return the record as the file has it, with the links."""
        return self.as_data() | {"from": self.before.as_data(), "to": self.after.as_data()}

    def as_data(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {
            "switch": self.switch,
            "time": self.time,
            "from": self.before.name,
            "to": self.after.name,
            "by": self.by,
            "outcome": self.outcome,
            "hooks": [hook.as_data() for hook in self.hooks],
        }


def read(home: Home) -> list[Record]:
    """Return what is remembered, oldest first; lines that make no sense are passed over.

    Raises HostError when the file is there and cannot be read.
    """
    records = []
    for line in _lines(home):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            records.append(Record.parse(json.loads(line)))
    return records


def append(home: Home, record: Record) -> None:
    """Remember `record`, once: one that is there already is left alone. Raises HostError."""
    line = json.dumps(record.as_line()).encode() + b"\n"
    try:
        lines = _lines(home)
        if any(_names(old, record.switch) for old in lines[-2:]):
            return
        if len(lines) >= 2 * KEPT:
            write_atomic(file_of(home), b"".join(old + b"\n" for old in lines[1 - KEPT :]) + line)
            return
        _append(file_of(home), line)
    except OSError as error:
        raise HostError(f"cannot write `{file_of(home)}`: {error.strerror}") from error


def previous(records: Sequence[Record], now: str | None) -> str | None:
    """Return the last choice before `now` that was another one: what `gvmpy use - --default` means."""
    for record in reversed(records):
        if record.changed and record.before.name not in {None, now}:
            return record.before.name
    return None


def last_change(records: Sequence[Record]) -> Record | None:
    """Return the last switch that changed the default."""
    return next((record for record in reversed(records) if record.changed), None)


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "r+b", buffering=0) as stream:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        if stream.write(line) != len(line):
            raise OSError(None, "the disk took a part of the line only")
        os.fsync(descriptor)


def _lines(home: Home) -> list[bytes]:
    try:
        with open(file_of(home), "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, size - _MOST_BYTES))
            return [line for line in stream.read(_MOST_BYTES).split(b"\n") if line]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HostError(f"cannot read `{file_of(home)}`: {error.strerror}") from error


def _names(line: bytes, switch: str) -> bool:
    """Whether `line` is whole and tells of `switch`."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return bool(json.loads(line)["switch"] == switch)
    return False


def file_of(home: Home) -> Path:
    """Return where the history is, there or not."""
    return home.state / "history.jsonl"
