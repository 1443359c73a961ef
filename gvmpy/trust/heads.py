"""The newest signed tree heads: the one gvmpy keeps, the one the go command keeps, and evidence of forks.

A head that was seen once is never forgotten: that is what lets a client notice a database that takes records
back. The go command's own is at $GOPATH/pkg/sumdb/NAME/latest (cmd/go/internal/modfetch/sumdb.go); it is
read, and never written.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, IntegrityError
from gvmpy.files import make_private, refuse_foreign, write_atomic
from gvmpy.locks import hold
from gvmpy.trust.note import MAX_NOTE_SIZE, open_note
from gvmpy.trust.tlog import TreeHead

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.trust.note import Verifier

_LOCK_TIMEOUT = 10.0
"""Seconds; the lock is held for one read and one write of a small file."""

_GO_LOCK_TRIES, _GO_LOCK_PAUSE = 20, 0.05
"""How often, and in which seconds' distance, to try for the lock that go holds while it writes."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree head, and the note in which the database signed it."""

    head: TreeHead
    note: bytes

    @classmethod
    def open(cls, note: bytes, verifier: Verifier) -> SignedHead:
        """Check the signature and read the head; raises IntegrityError."""
        return cls(TreeHead.parse(open_note(note, verifier)), note)


@dataclass(frozen=True, slots=True)
class Fork:
    """Two heads of one database that contradict each other, `older` with no more records than `newer`.

    `root` is what the first `older.head.size` records of the newer tree hash to, `proof` the consistency
    proof (RFC 6962, 2.1.2) that they do; empty when both trees are of one size, or when it could not be had.
    """

    older: SignedHead
    newer: SignedHead
    root: bytes
    proof: tuple[bytes, ...] = ()

    def report(self, vkey: str) -> str:
        """Return everything somebody else needs to check the contradiction, without asking the database.

        `vkey` is the key that signed both; the proof is in the order of tlog.CheckTree of golang.org/x/mod.
        """
        parts = [
            f"The checksum database with the key {vkey}",
            "signed two trees that contradict each other. One signed head:",
            f"\n{self.older.note.decode()}",
            "Another signed head:",
            f"\n{self.newer.note.decode()}",
            f"The first {self.older.head.size} records of the second tree have the root",
            f"{base64.b64encode(self.root).decode()}",
        ]
        if self.proof:
            parts += ["as this consistency proof shows:", *(base64.b64encode(h).decode() for h in self.proof)]
        return "\n".join(parts) + "\n"


class ForkError(IntegrityError):
    """Two heads, both signed, of which neither continues the other: the database told two stories."""

    @classmethod
    def over(cls, name: str, fork: Fork, kept: str) -> ForkError:
        """Return the error that tells of `fork`; `kept` is a sentence that says where the evidence is."""
        root = base64.b64encode(fork.root).decode()
        return cls(
            f"{name} signed two trees that contradict each other",
            hint="keep this evidence: it proves that the database, or who holds its key, cannot be trusted",
            details=(
                kept,
                "one signed head:",
                *fork.older.note.decode().splitlines(),
                f"another signed head, whose first {fork.older.head.size} records have the root {root}:",
                *fork.newer.note.decode().splitlines(),
            ),
        )


class Heads:
    """Where the heads of one database are kept: ours in `directory`, and at `foreign` the go command's."""

    def __init__(self, directory: Path, verifier: Verifier, foreign: Path | None = None) -> None:
        self._directory = directory
        self._latest = directory / "latest"
        self._verifier = verifier
        self._foreign = foreign

    def read(self) -> SignedHead | None:
        """Return the newest head that gvmpy has seen. Raises IntegrityError when the file holds no such."""
        try:
            note = read_limited(self._latest, MAX_NOTE_SIZE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HostError(f"cannot read `{self._latest}`: {error.strerror}") from error
        return self._open(note, self._latest)

    def read_foreign(self) -> SignedHead | None:
        """Return the newest head that the go command has seen; None when there is none, or none readable.

        Raises IntegrityError for a file that is not a signed head: go refuses to work with that, too.
        """
        try:
            note = _read_beside_go(self._foreign) if self._foreign else b""
        except OSError:
            return None
        return self._open(note, self._foreign) if note and self._foreign else None

    def swap(self, known: SignedHead | None, newest: SignedHead) -> SignedHead | None:
        """Replace `known` on disk by `newest`; return what stands there instead when it is neither."""
        try:
            make_private(self._directory)
            with hold(self._latest.with_name("latest.lock"), timeout=_LOCK_TIMEOUT):
                found = self.read()
                if found is not None and found != known:
                    return found
                write_atomic(self._latest, newest.note)
        except OSError as error:
            raise HostError(
                f"cannot keep the newest tree head in `{self._latest}`: {error.strerror}"
            ) from error
        return None

    def keep_evidence(self, fork: Fork) -> str:
        """Write `fork` into a file of its own and return a sentence that says where, or why not."""
        key = hashlib.sha256(fork.older.note + b"\n" + fork.newer.note).hexdigest()
        file = self._directory / "forks" / f"{key[:16]}.txt"
        try:
            refuse_foreign(file, "run gvmpy as that user")
            make_private(file.parent)
            write_atomic(file, fork.report(self._verifier.vkey).encode())
        except HostError as error:
            return f"the evidence was not kept: {error.message}"
        except OSError as error:
            return f"the evidence could not be kept in `{file}`: {error.strerror}"
        return f"the evidence is kept in `{file}`"

    def _open(self, note: bytes, file: Path) -> SignedHead:
        try:
            return SignedHead.open(note, self._verifier)
        except IntegrityError as error:
            raise IntegrityError(
                f"`{file}` is not the signed tree head that was put there: {error.message}",
                hint=f"find out who changed it; to begin anew: rm {shlex.quote(str(file))}",
            ) from error


def read_limited(file: Path, limit: int) -> bytes:
    """Return the file's bytes, one more than `limit` at most: enough to be refused."""
    with open(file, "rb") as stream:
        return stream.read(limit + 1)


def _read_beside_go(file: Path) -> bytes:
    """Read what the go command may be writing: it empties the file first, under flock(2).

    Whoever holds the lock for longer is not waited for: the signature tells half a note from a whole one.
    """
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        for _ in range(_GO_LOCK_TRIES):
            if not _is_locked(stream.fileno()):
                break
            time.sleep(_GO_LOCK_PAUSE)
        return stream.read(MAX_NOTE_SIZE + 1)


def _is_locked(descriptor: int) -> bool:
    """Whether somebody is writing; else the file is ours to read, or on a file system without locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
