"""Writing a lock file so that comments, and entries that are not meant, stay as people left them."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError, UsageError
from gvmpy.files import refuse_foreign, write_atomic
from gvmpy.trust import lockfile
from gvmpy.trust.lockfile import HEADER, SCHEMA, LockedArtifact, LockFile, sort

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = f"""\
# The Go toolchains of this project. `gvmpy lock VERSION` adds one, `gvmpy install --locked` takes no other.
schema = {SCHEMA}
"""
_MODE = 0o644


def merge(lock: LockFile, found: Iterable[LockedArtifact]) -> LockFile:
    """Return `lock` with what `found` knows besides.

    Raises IntegrityError when a digest is locked already and is another now: releases do not change.
    """
    artifacts = {item.name: item for item in lock.artifacts}
    for new in found:
        old = artifacts.get(new.name)
        artifacts[new.name] = new if old is None else _joined(lock, old, new)
    return LockFile(lock.origin, sort(artifacts.values()))


def save(path: Path, artifacts: tuple[LockedArtifact, ...]) -> bool:
    """Make the lock file at `path` lock just `artifacts`; return whether that changed it.

    Comments above and inside a table go with it. A file that is there keeps its mode. Raises UsageError when
    it is no lock file, HostError when it cannot be written.
    """
    target = Path(os.path.realpath(path))
    refuse_foreign(target, "run gvmpy as that user, or name another file")
    if path.is_symlink() and not target.exists():
        # It came with a project, perhaps: nothing of ours is to appear somewhere else.
        raise HostError(
            f"`{path}` is a symbolic link that leads nowhere", hint=f"rm {shlex.quote(str(path))}"
        )
    was = lockfile.read(target) if target.exists() else ""
    text = edited(was, artifacts, path)
    if text == was:
        return False
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if was else _MODE
        write_atomic(target, text.encode(), mode=mode)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error
    return True


def edited(text: str, artifacts: tuple[LockedArtifact, ...], path: Path) -> str:
    """Return `text`, the content of the lock file `path` or nothing, changed to lock just `artifacts`.

    Raises UsageError when it is no lock file.
    """
    before = {item.name: item for item in lockfile.parse(text, path)} if text else {}
    newline = "\r\n" if "\r\n" in text else "\n"
    head, tables = _split(text.replace("\r\n", "\n") or _HEAD)
    parts = [head.rstrip("\n")]
    for item in sort(artifacts):
        table = tables.get(item.name)
        if table is None:
            parts.append(_table(item))
        else:
            parts.append(table if before.get(item.name) == item else _changed(table, item))
    new = "\n\n".join(parts) + "\n"
    new = new.replace("\n", newline)
    if lockfile.parse(new, path) != sort(artifacts):
        raise UsageError(f"cannot change `{path}` in place", hint="write a new one: gvmpy lock --output FILE")
    return new


def _joined(lock: LockFile, old: LockedArtifact, new: LockedArtifact) -> LockedArtifact:
    """Return both in one; what is known already stays, with who said it."""
    for what, locked, found in (
        ("sha256", old.sha256, new.sha256),
        ("size", old.size, new.size),
        ("h1", old.h1, new.h1),
    ):
        if locked and found and locked != found:
            raise IntegrityError(
                f"`{lock.origin}` locks another {what} for {old.name} than there is now; nothing was changed",
                details=(
                    f"locked {locked}",
                    f"now    {found} ({new.h1_from if what == 'h1' else new.sha256_from})",
                ),
                hint=f'releases never change: find out who is wrong before you remove ["{old.name}"]',
            )
    return LockedArtifact(
        old.version,
        old.platform,
        old.filename,
        old.sha256 or new.sha256,
        old.size or new.size,
        old.h1 or new.h1,
        old.sha256_from if old.sha256 else new.sha256_from,
        old.h1_from if old.h1 else new.h1_from,
    )


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands before the first table, and each table with the comment right above it."""
    lines = text.split("\n")
    starts: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        header = HEADER.fullmatch(line)
        if header is not None:
            first = number
            while first and lines[first - 1].lstrip().startswith("#"):
                first -= 1
            starts.append((first, header["name"]))
    ends = [first for first, _ in starts] + [len(lines)]
    return "\n".join(lines[: ends[0]]), {
        name: "\n".join(lines[first:end]).strip("\n")
        for (first, name), end in zip(starts, ends[1:], strict=True)
    }


def _table(item: LockedArtifact) -> str:
    lines = [f'["{item.name}"]']
    lines += [
        f'{key} = "{fact}"' if isinstance(fact, str) else f"{key} = {fact}"
        for key, fact in item.facts().items()
    ]
    return "\n".join(lines)


def _changed(table: str, item: LockedArtifact) -> str:
    """Return the table with the facts of `item`, its comments kept."""
    import tomlkit

    document = tomlkit.parse(table + "\n")
    section = document[item.name]
    wanted = item.facts()
    for key in [key for key in section if key not in wanted]:
        del section[key]
    for key, fact in wanted.items():
        if section.get(key) != fact:
            section[key] = fact
    return tomlkit.dumps(document).strip("\n")
