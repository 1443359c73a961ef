"""Fetching one file: hashed on the way, resumable, never longer than announced."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError, NetworkError, NoSuchVersionError
from gvmpy.files import make_private
from gvmpy.net import PASSING, SilentError, TransientError, attempts, file_path, redact, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from gvmpy.install.progress import Bar, Cancellation, Progress
    from gvmpy.net import Network

_CHUNK = 1 << 18
_OK, _PARTIAL, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_ABSENT = frozenset({404, 410})
_LONGEST_NUMBER = 18
_SLOWEST = 1 << 10
"""Bytes a second: who sends less has as good as stopped, and somebody else is there to be asked."""

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch and the bounds it must keep: `size` exact when known, `limit` at most; bytes.

    `patience`: after how many seconds of silence, or of next to nothing, to give up for good; None where
    there is nobody else to ask.
    """

    url: str
    label: str
    size: int | None
    limit: int
    magic: bytes
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file on disk; `sha256` in hex, `size` in bytes; `ours`: not a user's own file."""

    path: Path
    sha256: str
    size: int
    resumed: bool
    ours: bool


class Downloader:
    """Fetches files over one Network, reporting to one Progress."""

    def __init__(self, network: Network, progress: Progress, cancellation: Cancellation) -> None:
        self._network = network
        self._progress = progress
        self._cancellation = cancellation

    def fetch(self, wanted: Wanted, partial: Path) -> Fetched:
        """Fetch `wanted` into `partial`, going on from what an interrupted run left there.

        The caller compares the digest: a partial file is named after the digest it must end up with, so one
        that does not fit is a bad partial or bad bytes, and is discarded by the caller. What was received
        stays when the connection breaks or the user interrupts.

        Raises NoSuchVersionError (404), NetworkError, IntegrityError (longer or shorter than announced, not
        an archive at all), HostError (cannot write).
        """
        if wanted.url.startswith("file:"):
            return self._read_local(wanted)
        try:
            make_private(partial.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(partial, flags, 0o600), "r+b", buffering=0) as stream:
                return self._fetch_into(stream.fileno(), wanted, partial)
        except OSError as error:
            raise HostError(f"cannot write `{partial}`: {error.strerror}") from error

    def _fetch_into(self, descriptor: int, wanted: Wanted, partial: Path) -> Fetched:
        transfer = _Transfer(descriptor, wanted)
        transfer.take_up()
        resumed = transfer.done > 0
        bar = self._progress.bar(wanted.label, total=wanted.size, done=transfer.done)
        try:
            for attempt in attempts():
                with attempt, _impatient(wanted):
                    self._continue(transfer, wanted, bar)
                    return Fetched(partial, transfer.hash.hexdigest(), transfer.done, resumed, ours=True)
        finally:
            bar.close()
        raise AssertionError("attempts() ends by raising")  # pragma: no cover

    def _continue(self, transfer: _Transfer, wanted: Wanted, bar: Bar) -> None:
        if wanted.size is not None and transfer.done == wanted.size:
            return
        headers = {"Range": f"bytes={transfer.done}-"} if transfer.done else {}
        pace = _Pace(wanted)
        with self._network.stream(wanted.url, headers, patience=wanted.patience) as response:
            if response.status_code == _RANGE_NOT_SATISFIABLE and transfer.done:
                if response.headers.get("Content-Range") == f"bytes */{transfer.done}":
                    return  # there is no more: an earlier run had fetched it all
                text = f"{redact(wanted.url)} could not go on from byte {transfer.done}"
                transfer.restart()
                raise TransientError(text)
            transfer.expect(response)
            if transfer.announced is not None:
                bar.expect(transfer.announced)
            with translated(wanted.url):
                for chunk in response.iter_raw():
                    self._cancellation.check()
                    transfer.add(chunk)
                    bar.advance(len(chunk))
                    pace.check(len(chunk))
        transfer.finish()

    def _read_local(self, wanted: Wanted) -> Fetched:
        path = Path(file_path(wanted.url))
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    self._cancellation.check()
                    digest.update(chunk)
                    size += len(chunk)
        except FileNotFoundError:
            raise NoSuchVersionError(f"there is no `{path}`") from None
        except OSError as error:
            raise NetworkError(f"cannot read `{path}`: {error.strerror}") from error
        if size > wanted.limit or (wanted.size is not None and size != wanted.size):
            raise IntegrityError(f"`{path}` has {size} bytes, not what was announced")
        return Fetched(path, digest.hexdigest(), size, resumed=False, ours=False)


@contextlib.contextmanager
def _impatient(wanted: Wanted) -> Iterator[None]:
    """Let silence be a lasting failure where somebody else can be asked."""
    try:
        yield
    except SilentError as error:
        if wanted.patience is None:
            raise
        raise NetworkError(f"{redact(wanted.url)} kept silent for {wanted.patience:g} s") from error


class _Pace:
    """Notices a server that sends just enough never to be silent."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._since = time.monotonic()
        self._count = 0

    def check(self, amount: int) -> None:
        """Count `amount` bytes more; raise NetworkError when a whole span of patience brought too few."""
        patience = self._wanted.patience
        self._count += amount
        if patience is None or time.monotonic() - self._since < patience:
            return
        if self._count < patience * _SLOWEST:
            text = f"{redact(self._wanted.url)} sent {self._count} bytes in {patience:g} s"
            raise NetworkError(text)
        self._since, self._count = time.monotonic(), 0


class _Transfer:
    """The bytes so far: on disk, in the hash, and counted. One descriptor, one writer."""

    def __init__(self, descriptor: int, wanted: Wanted) -> None:
        self._descriptor = descriptor
        self._wanted = wanted
        self.announced: int | None = wanted.size
        self.hash = hashlib.sha256()
        self.done = 0

    def take_up(self) -> None:
        """Hash what an earlier run left; begin anew when it is more than there can be."""
        while chunk := os.pread(self._descriptor, _CHUNK, self.done):
            self.hash.update(chunk)
            self.done += len(chunk)
        longest = self._wanted.limit if self._wanted.size is None else self._wanted.size
        if self.done > longest or not self._begins_right():
            self.restart()

    def restart(self) -> None:
        """Forget everything received."""
        os.ftruncate(self._descriptor, 0)
        self.hash = hashlib.sha256()
        self.done = 0

    def expect(self, response: httpx.Response) -> None:
        """Check status and announced length before a byte is taken."""
        url, status = redact(str(response.url)), response.status_code
        if status in PASSING:
            raise TransientError(f"{url} answered {status}")
        if status in _ABSENT:
            raise NoSuchVersionError(f"{url} answered {status}")
        if status not in {_OK, _PARTIAL}:
            raise NetworkError(f"{url} answered {status}")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise NetworkError(f"{url} answered with a web page, not an archive")
        if status == _OK and self.done:
            self.restart()
        length = response.headers.get("Content-Length", "")
        total = self.done + int(length) if length.isdecimal() and len(length) <= _LONGEST_NUMBER else None
        if status == _PARTIAL:
            total = self._check_range(url, response.headers.get("Content-Range", ""))
        if total is not None and not self._may_be(total):
            raise IntegrityError(f"{url} announces {total} bytes where {self._expected()} were expected")
        self.announced = total if total is not None else self._wanted.size

    def add(self, chunk: bytes) -> None:
        """Take `chunk`, unless that would be more than was announced."""
        total = self.done + len(chunk)
        bound = self._wanted.limit if self.announced is None else self.announced
        if total > bound:
            self.restart()
            raise IntegrityError(f"{redact(self._wanted.url)} sent more than the {bound} bytes expected")
        offset = self.done
        for_writing = memoryview(chunk)
        while for_writing:
            written = os.pwrite(self._descriptor, for_writing, offset)
            offset += written
            for_writing = for_writing[written:]
        self.hash.update(chunk)
        self.done = total
        if not self._begins_right():
            self.restart()
            raise NetworkError(f"{redact(self._wanted.url)} answered with something other than an archive")

    def finish(self) -> None:
        """Check that all announced bytes have come."""
        if self.announced is not None and self.done < self.announced:
            text = f"{redact(self._wanted.url)} ended after {self.done} of {self.announced} bytes"
            raise TransientError(text)

    def _begins_right(self) -> bool:
        magic = self._wanted.magic
        head = os.pread(self._descriptor, len(magic), 0) if self.done <= _CHUNK else magic
        return magic.startswith(head) if self.done else True

    def _check_range(self, url: str, text: str) -> int | None:
        match = _CONTENT_RANGE.fullmatch(text.strip())
        if match is None or int(match[1]) != self.done:
            self.restart()
            raise TransientError(f"{url} went on from another byte than asked")
        return None if match[2] == "*" else int(match[2])

    def _may_be(self, total: int) -> bool:
        return total == self._wanted.size if self._wanted.size is not None else total <= self._wanted.limit

    def _expected(self) -> str:
        return str(self._wanted.size if self._wanted.size is not None else f"at most {self._wanted.limit}")
