"""The directory where trees are made and unmade, on the same file system as the finished ones.

Names begin with the version (`go1.22.3.4711.1a2b3c`), whose lock tells a later install whether anybody still
works there. What a crash leaves is removed by the next install of any version.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from typing import TYPE_CHECKING

from gvmpy import locks
from gvmpy.errors import HostError
from gvmpy.files import remove_tree
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gvmpy.home import Home


_STAGED = re.compile(r"(go.+)\.[0-9]+\.[0-9a-f]{12}")


def lock_path(home: Home, version: GoVersion) -> Path:
    """Return the lock that guards installing and uninstalling `version`."""
    return home.locks / f"{version.name}.lock"


@contextlib.contextmanager
def staged(home: Home, version: GoVersion) -> Iterator[Path]:
    """Yield a path nobody else uses, not yet made; whatever is there at the end is removed."""
    path = unique(home, version)
    try:
        yield path
    finally:
        remove_tree(path)


def discard(home: Home, version: GoVersion) -> None:
    """Take the tree of `version` out of sight by one rename, then remove it.

    A reader sees the whole tree or none. Raises HostError when the rename or the removal is refused.
    """
    out = unique(home, version)
    try:
        _move_out(home.goroot(version), out)
        remove_tree(out)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostError(f"cannot remove `{home.goroot(version)}`: {error.strerror}") from error


def sweep(home: Home, current: GoVersion) -> None:
    """Remove what interrupted runs left: staged trees, and trees without a receipt.

    The caller holds the lock of `current`. Others' leavings are touched only while their lock is held, so a
    running install keeps its work; where locks do not work, nothing of others is touched.
    """
    _remove_unfinished_records(home, current)
    leavings: dict[GoVersion, list[Path]] = {}
    for path in (*_entries(home.incoming), *_entries(home.versions)):
        version = version_of(path.name)
        if version is not None and (path.parent == home.incoming or not _has_receipt(home, version)):
            leavings.setdefault(version, []).append(path)
    for version, paths in leavings.items():
        if version == current:
            _remove(home, version, paths)
            continue
        with locks.try_hold(lock_path(home, version)) as held:
            if held:
                _remove(home, version, paths)


def remove_leaving(home: Home, version: GoVersion, path: Path) -> None:
    """Remove one of the things that sweep() would remove; the caller holds the lock of `version`.

    Raises HostError when it is there afterwards.
    """
    _remove(home, version, [path])
    if os.path.lexists(path):
        raise HostError(f"cannot remove `{path}`")


def _remove_unfinished_records(home: Home, version: GoVersion) -> None:
    """Remove receipts and file lists that a crash kept from being renamed to their place."""
    for path in _entries(home.receipts):
        if path.name.startswith((f".{version.name}.json.", f".{version.name}.files.")):
            with contextlib.suppress(OSError):
                path.unlink()


def _remove(home: Home, version: GoVersion, paths: list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError, HostError):
            if path.parent == home.incoming:
                out = unique(home, version)
                os.rename(path, out)  # whoever works there after all fails cleanly, rather than losing files
                remove_tree(out)
            elif not _has_receipt(home, version):
                discard(home, version)


def _has_receipt(home: Home, version: GoVersion) -> bool:
    """Whether somebody installed this, in whatever state it is now: damage is not for a sweep to remove."""
    return os.path.lexists(home.receipt(version))


def _move_out(tree: Path, out: Path) -> None:
    """Rename a directory, which has to be writable itself to get another parent: its `..` changes."""
    try:
        os.rename(tree, out)
    except PermissionError:
        if tree.is_symlink():
            raise
        tree.chmod(stat.S_IRWXU)
        os.rename(tree, out)


def unique(home: Home, version: GoVersion) -> Path:
    """Return a path in staging that nobody else uses, and that a sweep knows by its name."""
    return home.incoming / f"{version.name}.{os.getpid()}.{secrets.token_hex(6)}"


def _entries(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in os.listdir(directory)]
    except FileNotFoundError:
        return []


def version_of(name: str) -> GoVersion | None:
    """Read the version off `go1.22.3` or `go1.22.3.4711.1a2b3c`; anything else is not ours to touch."""
    staged = _STAGED.fullmatch(name)
    for stem in (name, staged[1] if staged else ""):
        with contextlib.suppress(ValueError):
            version = GoVersion.parse(stem)
            if version.name == stem:
                return version
    return None
