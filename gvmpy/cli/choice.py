"""What `install` was told to take, and by what it is to be proven, read from its words and options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import IntegrityError, UsageError
from gvmpy.platform import host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.releases.local import LocalFile
    from gvmpy.releases.model import Context, Source
    from gvmpy.selection.request import Request
    from gvmpy.trust.lockfile import LockFile

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to install: `requests`, out of `files` or a `kit` where there are any, proven by a `lock`."""

    requests: tuple[Request, ...]
    files: tuple[LocalFile, ...] = ()
    lock: LockFile | None = None
    kit: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether the bytes are on this machine already."""
        return bool(self.files) or self.kit is not None

    def sources(self, context: Context) -> tuple[Source, ...]:
        """Return who is to deliver."""
        if self.kit is not None:
            from gvmpy.bundle.layout import Kit
            from gvmpy.bundle.source import KitSource

            return (KitSource(Kit(self.kit), context, self.lock),)
        if self.files:
            from gvmpy.install.signature import prover
            from gvmpy.releases.local import LocalArchives

            signed = context.config.trust_minimum == "signature"
            provers = (prover(context.config, context.environ),)
            return (LocalArchives(self.files, self.lock, provers, provers_first=signed),)
        if self.lock is not None:
            from gvmpy.releases.pinned import pinned_sources

            return pinned_sources(context, self.lock)
        from gvmpy.releases.chain import open_sources

        return open_sources(context)


def choose(words: Sequence[str], *, sha256: str | None, lock_file: str | None, locked: bool) -> Choice:
    """Read what stands behind `gvmpy install`. Raises UsageError for what does not go together."""
    from gvmpy.releases.local import find_files, is_path
    from gvmpy.selection.request import Exact, parse_request

    if sha256 is not None and (locked or lock_file is not None):
        raise UsageError("a digest comes from `--sha256` or from a lock file, not from both")
    requests = tuple(parse_request(word) for word in words if not is_path(word))
    paths = [Path(word) for word in words if is_path(word)]
    if paths:
        files = tuple(find_files(paths, host()))
        if not requests:
            requests = tuple(dict.fromkeys(Exact(file.version) for file in files))
        lock = _given(sha256, requests) if sha256 is not None else _lock(lock_file, required=locked)
        return Choice(requests, files, lock)
    if sha256 is not None:
        return Choice(requests, lock=_given(sha256, requests))
    if not locked and lock_file is None:
        if not requests:
            raise UsageError("missing argument 'VERSION...'", hint="gvmpy install --help")
        return Choice(requests)
    lock = _lock(lock_file, required=True)
    return Choice(requests or _all_locked(lock), lock=lock)


def choose_from_kit(directory: str, words: Sequence[str], lock_file: str | None) -> Choice:
    """Read what stands behind `gvmpy bundle install`; without words, all that the kit has for this machine.

    Raises UsageError for what cannot be meant, and IntegrityError when the kit is not whole.
    """
    from gvmpy.bundle.layout import Kit
    from gvmpy.selection.request import Exact, parse_request
    from gvmpy.trust.lockfile import load_lock

    kit = Kit(Path(directory).absolute())
    lock = _lock(lock_file, required=True) if lock_file is not None else None
    requests = tuple(parse_request(word) for word in words)
    if not requests:
        kit.require_whole()
        requests = tuple(Exact(version) for version in load_lock(kit.lock).versions(host()))
    if not requests:
        raise UsageError(f"`{kit.path}` has nothing for {host()}")
    return Choice(requests, lock=lock, kit=kit.path)


def nearest_lock() -> LockFile | None:
    """Return the lock file that counts in this directory."""
    return _lock(None, required=False)


def _given(sha256: str, requests: tuple[Request, ...]) -> LockFile:
    from gvmpy.releases.pinned import given_lock
    from gvmpy.selection.request import Exact

    digest = sha256.lower()
    if not _SHA256.fullmatch(digest):
        raise UsageError("`--sha256` takes a SHA-256 in hexadecimal: 64 digits")
    if len(requests) != 1 or not isinstance(requests[0], Exact):
        raise UsageError("`--sha256` goes with one file, or one exact version")
    return given_lock(requests[0].version, host(), digest)


def _lock(file: str | None, *, required: bool) -> LockFile | None:
    """Read the lock file that is named, else the nearest from here upward.

    One that merely lies beside an archive does not count: whoever made the one could make the other.
    """
    from gvmpy.trust.lockfile import FILE, find_lock, load_lock

    path = Path(file) if file is not None else find_lock(Path.cwd())
    if path is not None:
        return load_lock(path)
    if required:
        raise UsageError(f"there is no `{FILE}` here or above", hint="gvmpy lock VERSION")
    return None


def _all_locked(lock: LockFile | None) -> tuple[Request, ...]:
    """Return what the lock has for this machine, once it is clear that it has what the project pins."""
    from gvmpy.selection.request import Exact

    if lock is None:  # pragma: no cover - required where this is called
        return ()
    versions = lock.versions(host())
    if not versions:
        raise IntegrityError(
            f"`{lock.origin}` locks nothing for {host()}",
            hint=f"gvmpy lock VERSION --platform {host()}",
        )
    _require_pin(lock)
    return tuple(Exact(version) for version in versions)


def _require_pin(lock: LockFile) -> None:
    import os

    from gvmpy.selection.files import current_directory, find_pin
    from gvmpy.selection.request import Exact, Prefix, parse_pin

    pin = find_pin(current_directory(os.environ))
    if pin is None:
        return
    try:
        wanted = parse_pin(pin.word)
    except ValueError as error:
        raise UsageError(f"{pin}: {error}") from None
    versions = lock.versions(host())
    if isinstance(wanted, Exact):
        found = wanted.version in versions
    elif isinstance(wanted, Prefix):
        found = any(wanted.matches(version) for version in versions)
    else:
        return  # an alias, or the system's Go: nothing to install
    if not found:
        raise IntegrityError(
            f"{pin} asks for {wanted}, which `{lock.origin}` does not lock for {host()}",
            hint=f"gvmpy lock {wanted}",
        )
