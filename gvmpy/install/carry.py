"""Bytes that another program brings: put where a download would be, and bounded in the same way."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError
from gvmpy.files import make_private, remove_tree
from gvmpy.install.download import Fetched, Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.install.progress import Cancellation, Progress
    from gvmpy.releases.model import Carried, Carry


def carried(
    carry: Carry, wanted: Wanted, place: Path, progress: Progress, cancellation: Cancellation
) -> tuple[Fetched, Carried]:
    """Let `carry` bring the file that is `wanted`; return it at `place`, hashed, and what was said of it.

    The caller compares the digest, as after a download. Raises what `carry` does, IntegrityError for what is
    no archive or too long, HostError when the disk refuses.
    """
    directory = place.with_suffix(".carry")
    try:
        make_private(place.parent)
        remove_tree(directory)  # a crash may have left one; the version's lock is held
        directory.mkdir(mode=0o700)
        try:
            brought = _bring(carry, directory, wanted, progress, cancellation)
            fetched = _checked(brought.path, wanted, place)
            os.replace(brought.path, place)
            return fetched, brought
        finally:
            remove_tree(directory)
    except OSError as error:
        raise HostError(f"cannot write `{place}`: {error.strerror}") from error


def _bring(
    carry: Carry, directory: Path, wanted: Wanted, progress: Progress, cancellation: Cancellation
) -> Carried:
    done = 0

    def tick(size: int) -> None:
        nonlocal done
        cancellation.check()
        bar.advance(max(0, size - done))
        done = max(done, size)

    bar = progress.bar(wanted.label, total=wanted.size, done=0)
    try:
        return carry(directory, tick)
    finally:
        bar.close()


def _checked(path: Path, wanted: Wanted, place: Path) -> Fetched:
    """Return what `path` is once it is at `place`, unless it cannot be what is wanted."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise IntegrityError(f"{wanted.label} is no file")
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > wanted.limit:
            raise IntegrityError(f"{wanted.label} has {size} bytes where {wanted.limit} are the most")
        if stream.read(len(wanted.magic)) != wanted.magic:
            raise IntegrityError(f"{wanted.label} is something other than an archive")
        stream.seek(0)
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Fetched(place, digest, size, resumed=False, ours=True)
