"""What a profile did to Go's settings file, remembered so that it can be taken back to the byte.

state/profile.json holds the change in force and, while one is being made, the one to come with the digest of
the file it makes: whoever finds that after a crash can tell which of the two files is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvmpy.errors import HostError
from gvmpy.files import write_atomic
from gvmpy.goenv.envfile import EnvFile, read_env_file
from gvmpy.profiles.values import has_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.home import Home

_SCHEMA = 1
_PRIVATE = 0o600
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting: what was written, and what the line said before; None where there was none."""

    name: str
    wrote: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """All that a profile did to one file.

    `digest` is that of the content before; `made`: there was no file; `mode`: the file's own where it was
    made private, else None.
    """

    file: str
    profile: str
    entries: tuple[Entry, ...]
    digest: str
    made: bool
    mode: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """The change in force; and while another is being made, that one, the file and what it will hold."""

    current: Change | None = None
    coming: Change | None = None
    coming_file: str | None = None
    coming_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file without a profile's doing; `kept` are the names whose lines the user changed since."""

    content: EnvFile
    mode: int
    exists: bool
    kept: tuple[str, ...] = ()


def digest(content: EnvFile) -> str:
    """Return what tells one content from another."""
    return hashlib.sha256(content.data).hexdigest()


def do(taken: Taken, file: Path, profile: str, settings: Mapping[str, str]) -> tuple[EnvFile, Change | None]:
    """Return the file with `settings` in it and how to take that back; None when there are none."""
    if not settings:
        return taken.content, None
    before = {name: taken.content.get(name) for name in settings}
    entries = tuple(
        Entry(name, value, line.value if (line := before[name]) else None) for name, value in settings.items()
    )
    private = any(map(has_credentials, settings.values()))
    change = Change(
        file=str(file),
        profile=profile,
        entries=entries,
        digest=digest(taken.content),
        made=not taken.exists,
        mode=taken.mode if private else None,
    )
    return taken.content.with_values(settings), change


def undo(content: EnvFile, mode: int | None, change: Change | None) -> Taken:
    """Return the file as it would be without `change`. What the user changed since stays as it is.

    `mode` is the file's, None when it is gone.
    """
    if change is None or mode is None:
        return Taken(content, _PRIVATE if mode is None else mode, exists=mode is not None)
    kept = []
    for entry in change.entries:
        line = content.get(entry.name)
        if line is None or line.value != entry.wrote:
            if line is not None or entry.before is not None:
                kept.append(entry.name)
        elif entry.before is None:
            content = content.without_last(entry.name)
        else:
            content = content.with_values({entry.name: entry.before})
    # A file without a newline at its end had got one, for the first new line to begin behind.
    shorter = EnvFile(content.text.removesuffix("\n"))
    if digest(content) != change.digest == digest(shorter):
        content = shorter
    if change.mode is not None and mode == _PRIVATE:
        mode = change.mode
    return Taken(content, mode, exists=bool(content.text) or not change.made, kept=tuple(kept))


def mode_of(path: Path) -> int | None:
    """Return the permissions of a file, through a link; None when there is no file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_record(home: Home) -> Record:
    """Return what is remembered, with an interrupted change settled: it was made, or it was not.

    Raises HostError for a record that cannot be understood.
    """
    path = _path(home)
    try:
        with path.open("rb") as stream:
            document = json.loads(stream.read(_LARGEST))
        record = _parse(document)
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except OSError as error:
        raise HostError(f"cannot read `{path}`: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(
            f"`{path}` is damaged, so what a profile wrote cannot be taken back",
            hint=f"put Go's settings file right by hand, then remove `{path}`",
        ) from error
    return _settled(record)


def write_record(home: Home, record: Record) -> None:
    """Remember; for the owner alone, as values may hold passwords. Nothing to remember is no file.

    What is there already is not written again. Raises HostError.
    """
    path = _path(home)
    data = f"{json.dumps({'schema': _SCHEMA, **asdict(record)}, indent=1)}\n".encode()
    try:
        if record == Record():
            path.unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != data:
            write_atomic(path, data, mode=_PRIVATE)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def _settled(record: Record) -> Record:
    if record.coming_file is None:
        return record
    content = EnvFile()
    with contextlib.suppress(HostError):
        content = read_env_file(Path(record.coming_file))
    arrived = digest(content) == record.coming_digest
    if not arrived and record.coming is not None:
        # Somebody has written to it since; then the values tell, the more of them the better.
        arrived = _is_in(record.coming, content) and (
            not _is_in(record.current, content) or len(record.coming.entries) >= _length(record.current)
        )
    return Record(current=record.coming if arrived else record.current)


def _is_in(change: Change | None, content: EnvFile) -> bool:
    if change is None:
        return False
    lines = ((entry, content.get(entry.name)) for entry in change.entries)
    return all(line is not None and line.value == entry.wrote for entry, line in lines)


def _length(change: Change | None) -> int:
    return len(change.entries) if change else 0


def _parse(document: Any) -> Record:
    if document["schema"] != _SCHEMA:
        raise ValueError("another schema")
    return Record(
        current=_parse_change(document["current"]),
        coming=_parse_change(document["coming"]),
        coming_file=document["coming_file"],
        coming_digest=document["coming_digest"],
    )


def _parse_change(document: Any) -> Change | None:
    if document is None:
        return None
    entries = tuple(Entry(**entry) for entry in document["entries"])
    return Change(**(document | {"entries": entries}))


def _path(home: Home) -> Path:
    return home.state / "profile.json"
