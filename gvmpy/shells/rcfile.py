"""Editing rc files: look at all of them first, then change each so that nothing of the user's is lost."""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import GvmpyError, HostError
from gvmpy.files import make_private, sync_directory, write_atomic, written_beside
from gvmpy.shells.block import END, START, block, install, uninstall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gvmpy.shells.rcplaces import Place

_NEW_FILE = 0o644
_PERMISSIONS = 0o7777
_ATTEMPTS = 5

_Stamp = tuple[int, int, int, int, int]
"""Which file it was, and in which state: device, inode, size in bytes, times of change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Found:
    """An rc file as it was found. `target` is where its bytes lie, behind all links."""

    target: Path
    content: bytes | None
    stamp: _Stamp | None = None
    mode: int = _NEW_FILE
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What has to happen to one rc file: `after` is its new content, None when it has to go.

    `lines` is the block that comes in, None to take one out.
    """

    path: str
    lines: bytes | None
    found: Found
    after: bytes | None

    @property
    def action(self) -> str:
        """`create`, `edit` or `remove` the file."""
        if self.found.content is None:
            return "create"
        return "remove" if self.after is None else "edit"


@dataclass(frozen=True, slots=True)
class Done:
    """One file that was changed, and where it lies as it was before; a new one was nothing before."""

    path: str
    action: str
    backup: Path | None


def plan_install(places: Iterable[Place], root: str, program: str) -> tuple[Edit, ...]:
    """Return the edits that put gvmpy's block into `places`; none for what is right already.

    Every file is looked at. Raises UsageError for a damaged block, HostError for a file that cannot be read,
    written to, or replaced without loss: then nothing at all should be changed.
    """
    return _plan([(place.path, block(root, program, place.shell)) for place in places])


def plan_uninstall(places: Iterable[Place]) -> tuple[Edit, ...]:
    """Return the edits that take gvmpy's block out of `places`; raises as `plan_install` does."""
    return _plan([(place.path, None) for place in places])


def diff(edits: Iterable[Edit]) -> str:
    """Return what `edits` would change as a unified diff; bytes that are not UTF-8 as surrogates."""
    lines: list[bytes] = []
    for edit in edits:
        name = os.fsencode(edit.path.encode("unicode_escape").decode() if "\n" in edit.path else edit.path)
        before = _lines(edit.found.content or b"")
        after = _lines(edit.after or b"")
        old = name if edit.found.content is not None else b"/dev/null"
        new = name if edit.after is not None else b"/dev/null"
        lines += difflib.diff_bytes(difflib.unified_diff, before, after, old, new)
    ended = (line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines)
    return os.fsdecode(b"".join(ended))


def _lines(content: bytes) -> list[bytes]:
    """Return the lines of `content` with their newlines; unlike splitlines(), a lone CR ends none."""
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def apply(edits: Iterable[Edit], backups: Path) -> tuple[Done, ...]:
    """Make `edits`, keeping a copy of each file in `backups` first; return what was changed.

    A file that somebody else changed meanwhile is looked at anew. Raises HostError when the system refuses,
    naming what was changed before that.
    """
    done: list[Done] = []
    for edit in edits:
        try:
            result = _apply(edit, backups)
        except (OSError, GvmpyError) as error:
            what = error.message if isinstance(error, GvmpyError) else f"{error.strerror}"
            details = tuple(f"changed before that: {earlier.path}" for earlier in done)
            raise HostError(f"cannot change `{edit.path}`: {what}", details=details) from error
        if result is not None:
            done.append(result)
    return tuple(done)


def _plan(wanted: list[tuple[str, bytes | None]]) -> tuple[Edit, ...]:
    edits: dict[Path, Edit] = {}
    for path, lines in wanted:
        edit = _plan_one(path, lines)
        if edit is not None:
            edits.setdefault(edit.found.target, edit)  # two names may lead to one file
    return tuple(edits.values())


def _plan_one(path: str, lines: bytes | None) -> Edit | None:
    if lines is None and _is_clean(path):
        return None
    found = _look(path)
    before = found.content
    after = uninstall(before, path) if lines is None else install(before, lines, path)
    return None if after == before else Edit(path, lines, found, after)


def _is_clean(path: str) -> bool:
    """Whether a file is not there, or can be read and has no marker in it: nothing has to come out of it."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return START not in content and END not in content


def _look(path: str) -> Found:
    """Read an rc file and make sure that it can be replaced; raises HostError otherwise."""
    target = Path(os.path.realpath(path))
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        _check_directory(path, target.parent)
        return Found(target, None)
    except OSError as error:
        raise HostError(f"cannot look at `{path}`: {error.strerror}") from error
    _check_file(path, status)
    _check_directory(path, target.parent)
    try:
        with open(os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            content = stream.read()
    except OSError as error:
        raise HostError(f"cannot read `{path}`: {error.strerror}") from error
    return Found(target, content, _stamp(status), stat.S_IMODE(status.st_mode), status.st_gid)


def _check_file(path: str, status: os.stat_result) -> None:
    by_hand = "put the lines that `gvmpy init` prints into your rc file by hand"
    if stat.S_ISLNK(status.st_mode):
        raise HostError(f"`{path}` is a link that leads back to itself")
    if not stat.S_ISREG(status.st_mode):
        raise HostError(f"`{path}` is not a regular file")
    if status.st_uid != os.geteuid():
        raise HostError(f"`{path}` belongs to user {status.st_uid}, and this is user {os.geteuid()}")
    # The owner's own bits, not access(2): root is asked about the file like anybody else.
    if not status.st_mode & stat.S_IRUSR:
        raise HostError(f"`{path}` is not readable", hint=by_hand)
    if not status.st_mode & stat.S_IWUSR:
        raise HostError(f"`{path}` is read-only", hint=by_hand)
    if status.st_nlink > 1:
        raise HostError(f"`{path}` has {status.st_nlink} names, and a rename would part them", hint=by_hand)


def _check_directory(path: str, directory: Path) -> None:
    """Whether a file can be put beside, or a directory made: where nothing is there yet, above it."""
    nearest = directory
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise HostError(f"`{path}` cannot be: `{nearest}` is not a directory")
    status = nearest.stat()
    own, writable = status.st_uid == os.geteuid(), status.st_mode & stat.S_IWUSR
    if (own and not writable) or not os.access(nearest, os.W_OK | os.X_OK):
        raise HostError(f"`{path}` cannot be replaced: `{nearest}` is not writable")
    if os.geteuid() == 0 and not own:
        raise HostError(
            f"running as root, but `{nearest}` belongs to user {status.st_uid}", hint="run gvmpy as that user"
        )


def _apply(edit: Edit, backups: Path) -> Done | None:
    backup = None
    for _ in range(_ATTEMPTS):
        fresh = _plan_one(edit.path, edit.lines)
        if fresh is None:
            return None
        if fresh.found.content is not None:
            backup = _back_up(fresh, backups)
        if _swap(fresh):
            return Done(fresh.path, fresh.action, backup)
        if backup is not None:
            backup.unlink()
    raise HostError("others keep changing it")


def _back_up(edit: Edit, backups: Path) -> Path:
    make_private(backups)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = f"{os.path.basename(edit.path).lstrip('.')}.{moment}.{secrets.token_hex(4)}"
    backup = backups / name
    write_atomic(backup, edit.found.content or b"", mode=0o600)
    return backup


def _swap(edit: Edit) -> bool:
    """Put the new content in place, unless the file is no longer what was found: then return False."""
    found = edit.found
    with contextlib.ExitStack() as stack:
        temporary = None
        if edit.after is not None:
            make_private(found.target.parent)
            temporary = stack.enter_context(
                written_beside(found.target, edit.after, mode=found.mode, group=found.group)
            )
        old = None
        if found.stamp is not None:
            try:
                old = os.open(found.target, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                return False
            stack.callback(os.close, old)
        if _stamp_now(found.target) != found.stamp:
            return False
        if temporary is None:
            os.unlink(found.target)
        else:
            os.replace(temporary, found.target)
        sync_directory(found.target.parent)
        if old is not None:
            _carry_over(old, edit)
    return True


def _carry_over(old: int, edit: Edit) -> None:
    """Hand on what was appended to the old file in the moment before it lost its name."""
    late = os.pread(old, os.fstat(old).st_size, len(edit.found.content or b""))
    if not late:
        return
    if edit.after and not edit.after.endswith(b"\n"):
        late = b"\n" + late
    with open(edit.found.target, "ab") as stream:
        stream.write(late)


def _stamp_now(target: Path) -> _Stamp | None:
    try:
        return _stamp(os.lstat(target))
    except FileNotFoundError:
        return None


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
