"""Hashing a whole tree of files in parallel. Workers load this module, so it is kept light."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.trust.manifest import Manifest

_READ_SIZE = 1 << 18
_COST_PER_FILE = 1 << 14  # opening a file takes as long as hashing this many bytes
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KIND_BITS = 0o170000
_KINDS = {
    0o120000: "symbolic link",
    0o010000: "fifo",
    0o140000: "socket",
    0o020000: "device",
    0o060000: "device",
}
_REGULAR, _DIRECTORY = 0o100000, 0o040000


def hash_tree(root: Path) -> Manifest:
    """Hash every regular file below `root`, in parallel, without following a link.

    What is neither a regular file nor a directory goes into the manifest's `others` by kind, unread; a file
    that vanishes meanwhile is left out. Raises HostError when something cannot be read.
    """
    from contextlib import ExitStack

    from gvmpy import workers
    from gvmpy.errors import HostError
    from gvmpy.trust.manifest import FileRecord, Manifest

    base = os.fsencode(os.path.abspath(root))
    with ExitStack() as stack:
        team = [
            stack.enter_context(workers.Worker.start("gvmpy.trust.tree:hash_files"))
            for _ in range(workers.count())
        ]
        try:
            files, others = _walk(base)
        except OSError as error:
            raise HostError(f"cannot read `{os.fsdecode(error.filename)}`: {error.strerror}") from error
        shares = _split(files, len(team))
        for worker, share in zip(team, shares, strict=True):
            worker.send((base, share))
        records = []
        for worker, share in zip(team, shares, strict=True):
            for name, (digest, mode) in zip(share, worker.result(), strict=True):
                if digest is not None:
                    records.append(FileRecord(_text(name), digest, mode))
                elif mode:
                    others.append((name, mode))
    strange = sorted((_text(name), _kind(mode)) for name, mode in others)
    return Manifest.of(records, others=tuple(strange))


def hash_files(payload: tuple[bytes, list[bytes]]) -> list[tuple[str | None, int]]:
    """Worker: return (digest, permissions) for each name below the root.

    Without a digest, the number is the st_mode of something irregular, or 0 for a file that is gone.
    """
    import hashlib
    from errno import ELOOP, ENOTDIR, ENXIO

    root, names = payload
    results: list[tuple[str | None, int]] = []
    buffer = memoryview(bytearray(_READ_SIZE))
    for name in names:
        path = root + b"/" + name
        try:
            descriptor = os.open(path, _OPEN)
        except FileNotFoundError:
            results.append((None, 0))
            continue
        except OSError as error:  # it became a link or a socket since the walk
            if error.errno not in {ELOOP, ENOTDIR, ENXIO}:
                raise
            results.append((None, os.lstat(path).st_mode))
            continue
        try:
            mode = os.fstat(descriptor).st_mode
            if mode & _KIND_BITS != _REGULAR:
                results.append((None, mode))
                continue
            digest = hashlib.sha256()
            while size := os.readv(descriptor, [buffer]):
                digest.update(buffer[:size])
            results.append((digest.hexdigest(), mode & 0o777))
        finally:
            os.close(descriptor)
    return results


def _walk(root: bytes) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
    """Return (name, size) of the regular files below `root` and (name, st_mode) of what is irregular."""
    files: list[tuple[bytes, int]] = []
    others: list[tuple[bytes, int]] = []
    pending = [b""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root + b"/" + prefix) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                kind = status.st_mode & _KIND_BITS
                name = prefix + entry.name
                if kind == _REGULAR:
                    files.append((name, status.st_size))
                elif kind == _DIRECTORY:
                    pending.append(name + b"/")
                else:
                    others.append((name, status.st_mode))
    return files, others


def _split(files: list[tuple[bytes, int]], parts: int) -> list[list[bytes]]:
    """Deal the files out, the largest first, each to the share with least work so far."""
    shares: list[list[bytes]] = [[] for _ in range(parts)]
    work = [0] * parts
    for name, size in sorted(files, key=lambda item: item[1], reverse=True):
        lightest = work.index(min(work))
        shares[lightest].append(name)
        work[lightest] += size + _COST_PER_FILE
    return shares


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _kind(mode: int) -> str:
    return _KINDS.get(mode & _KIND_BITS, "special file")
