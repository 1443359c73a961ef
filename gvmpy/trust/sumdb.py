"""The client of a Go checksum database: what it says of a version is proven, or it is refused.

Rules and formats: golang.org/x/mod/sumdb (client.go, tlog) and https://golang.org/design/25530-sumdb. For
golang.org/toolchain the database is asked whatever GOSUMDB=off and its like say, as the go command does:
no go.sum could hold the digest of a toolchain.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gvmpy.errors import GvmpyError, IntegrityError, NetworkError, UsageError
from gvmpy.files import make_private, write_atomic
from gvmpy.proxies import is_loopback
from gvmpy.trust.heads import Fork, ForkError, Heads, SignedHead, read_limited
from gvmpy.trust.note import MAX_NOTE_SIZE, Verifier, decode_base64, decode_text
from gvmpy.trust.tlog import (
    HASH_SIZE,
    TILE_WIDTH,
    Node,
    Tile,
    consistency_proof,
    parse_number,
    perfect_subtrees,
    proven_hashes,
    record_hash,
    root_over,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Fetch = Callable[[str, int], bytes]
"""Gets a path below the database's base, such as `/tile/8/0/123`, of at most so many bytes.

Raises MissingError for what is not there, NetworkError for any other failure. Called from several threads.
"""

DEFAULT_DATABASE = "sum.golang.org"
_KNOWN_KEYS = {
    DEFAULT_DATABASE: "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
}
_ALIASES = {"sum.golang.google.cn": f"{DEFAULT_DATABASE} https://sum.golang.google.cn"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)
_MODULE = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", re.ASCII)
_VERSION = re.compile(r"v[0-9][A-Za-z0-9._~+-]*", re.ASCII)
_UPPER = re.compile(r"[A-Z]", re.ASCII)
_PARALLEL = 8
"""A proof needs about this many tiles: one round trip instead of one after another."""


class MissingError(NetworkError):
    """The database, or who relays it, answered that it does not have what was asked for."""


@dataclass(frozen=True, slots=True)
class SumdbSettings:
    """Which checksum database to ask: who signs for it, and where it is when GOSUMDB says so."""

    verifier: Verifier
    url: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the database `database` has on record for a version, and the tree that was proven to hold it.

    `record` counts from 0; `root` is base64; `h1` is of the module zip and `go_mod_h1` of its go.mod.
    """

    database: str
    record: int
    tree_size: int
    root: str
    h1: str
    go_mod_h1: str


def parse_gosumdb(text: str) -> SumdbSettings:
    """Read a GOSUMDB value: `NAME`, a verifier key, either followed by a URL, `off`, or nothing.

    A name is known when its key is; the last two mean the default database. Raises UsageError.
    """
    chosen = DEFAULT_DATABASE if text.strip() in {"", "off"} else text.strip()
    fields = _ALIASES.get(chosen, chosen).split()
    if len(fields) > 2:  # noqa: PLR2004 - key and URL
        raise _unusable("it has more than a key and a URL")
    try:
        verifier = Verifier.parse(_KNOWN_KEYS.get(fields[0], fields[0]))
    except ValueError as error:
        raise _unusable(str(error)) from None
    if not _NAME.fullmatch(verifier.name):
        raise _unusable("the database's name must be HOST or HOST/PATH")
    return SumdbSettings(verifier, _usable_url(fields[1]) if fields[1:] else None)


def lookup_path(module: str, version: str) -> str:
    """Return where a database answers for `module` at `version`, capitals escaped as Go does: `A` is `!a`.

    Raises UsageError for what is no module path or version.
    """
    if not _MODULE.fullmatch(module) or not _VERSION.fullmatch(version):
        raise UsageError(f"{module}@{version} is not a module version")
    return "/lookup/" + _UPPER.sub(lambda capital: "!" + capital[0].lower(), f"{module}@{version}")


class Database:
    """One checksum database. Holds no state of its own: threads and processes may share its directories.

    The newest signed head ever proven stays in `state_dir`/sumdb/NAME/latest; proven answers and tiles
    go to `cache_dir`/sumdb/NAME/{lookup,tile}/..., laid out like the database itself. `go_state` is the
    directory where the go command keeps its own heads, to be read only. `is_isolated` tells whether nobody is
    asked but the cache and local files: what these lack to compare with go's head is then no failure, for
    nobody is there to hold it back.
    """

    def __init__(
        self,
        verifier: Verifier,
        fetch: Fetch,
        *,
        cache_dir: Path | None,
        state_dir: Path,
        go_state: Path | None = None,
        is_isolated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._verifier = verifier
        self._fetch = fetch
        self._cache = cache_dir / "sumdb" / verifier.name if cache_dir else None
        foreign = go_state / verifier.name / "latest" if go_state else None
        self._is_isolated = is_isolated
        self._heads = Heads(state_dir / "sumdb" / verifier.name, verifier, foreign)

    def prove(self, module: str, version: str, *, keep_head: bool = True) -> Evidence:
        """Return the digests on record for `module` at `version`, e.g. `v0.0.1-go1.22.3.linux-amd64`.

        Proven are: the signature of the head, that the record is in its tree, that this tree and the newest
        seen before, by gvmpy or the go command, are one history, and that the record speaks of this very
        version. Nothing is written before; without `keep_head` to the cache only, and evidence of a fork. A
        spoilt cache is passed over and replaced. Raises IntegrityError (ForkError with both signed heads in
        its details), NetworkError, HostError when the newest head cannot be kept, UsageError.
        """
        lookup_path(module, version)
        ours = self._heads.read()
        known = ours, self._heads.read_foreign()
        store = _Store(self._fetch, self._cache)
        try:
            evidence, newest = self._prove(module, version, store, known)
        except ForkError:
            raise
        except IntegrityError:
            if not store.cached:
                raise
            spoilt, store = store, _Store(self._fetch, self._cache, use_cache=False)
            evidence, newest = self._prove(module, version, store, known)
            spoilt.discard()
        if keep_head:
            self._keep_latest(store, newest, ours)
        store.save()
        return evidence

    def _prove(
        self, module: str, version: str, store: _Store, known: tuple[SignedHead | None, SignedHead | None]
    ) -> tuple[Evidence, SignedHead]:
        name = self._verifier.name
        number, record, note = _split_answer(store.read(lookup_path(module, version), MAX_NOTE_SIZE))
        newest = SignedHead.open(note, self._verifier)
        ours, foreign = known
        if ours is not None:
            newest = self._check_one_history(store, newest, ours)
        if foreign is not None:
            newest = self._check_foreign(store, newest, foreign)
        if number >= newest.head.size:
            raise IntegrityError(
                f"{name} claims record {number} of a tree that has only {newest.head.size} records"
            )
        if proven_hashes(newest.head, [Node(0, number)], store.tiles) != [record_hash(record.encode())]:
            raise IntegrityError(f"record {number} is not what the signed tree of {name} has there")
        # Only the record itself is proven: a line from anywhere else in the answer is worth nothing.
        evidence = Evidence(
            database=name,
            record=number,
            tree_size=newest.head.size,
            root=newest.head.root_text,
            h1=_digest_in(record, f"{module} {version}"),
            go_mod_h1=_digest_in(record, f"{module} {version}/go.mod"),
        )
        return evidence, newest

    def _check_foreign(self, store: _Store, newest: SignedHead, foreign: SignedHead) -> SignedHead:
        try:
            return self._check_one_history(store, newest, foreign)
        except NetworkError:
            if self._is_isolated():
                return newest
            raise

    def _check_one_history(self, store: _Store, one: SignedHead, other: SignedHead) -> SignedHead:
        """Prove the older head a prefix of the newer and return the newer; raises ForkError."""
        older, newer = sorted((one, other), key=lambda signed: signed.head.size)
        if older.head == newer.head:
            return newer
        root = newer.head.root
        if older.head.size < newer.head.size:
            nodes = perfect_subtrees(older.head.size)
            root = root_over(proven_hashes(newer.head, nodes, store.tiles))
        if root == older.head.root:
            return newer
        proof: tuple[bytes, ...] = ()
        with contextlib.suppress(GvmpyError):  # both signatures stand, even if a tile cannot be had now
            proof = tuple(consistency_proof(newer.head, older.head.size, store.tiles))
        fork = Fork(older, newer, root, proof)
        raise ForkError.over(self._verifier.name, fork, self._heads.keep_evidence(fork))

    def _keep_latest(self, store: _Store, newest: SignedHead, known: SignedHead | None) -> None:
        """Make `newest` the head on disk unless a newer one got there meanwhile; never step back."""
        while known is None or known.head.size < newest.head.size:
            found = self._heads.swap(known, newest)
            if found is None:
                return
            # Another process moved it: that head must be of the same history, and may be ahead of ours.
            self._check_one_history(store, found, newest)
            known = found


class _Store:
    """What one attempt reads from a database, out of the cache or from the network, and may save later."""

    def __init__(self, fetch: Fetch, directory: Path | None, *, use_cache: bool = True) -> None:
        self._fetch = fetch
        self._directory = directory
        self._use_cache = use_cache
        self._fresh: dict[str, bytes] = {}
        self.cached: dict[str, bytes] = {}

    def read(self, path: str, limit: int) -> bytes:
        """Return what stands at `path`, at most `limit` bytes of it."""
        data = self._recall(path, limit)
        if data is None:
            data = self._fresh[path] = self._fetch(path, limit)
        return data

    def tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """Return the data of each tile, cut from the full one where only that is left."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_PARALLEL) as pool:
            return list(pool.map(self._tile, tiles))

    def save(self) -> None:
        """Put what came over the network into the cache; a cache that cannot be written is no failure."""
        for path, data in self._fresh.items():
            file = self._file(path)
            if file is not None:
                with contextlib.suppress(OSError):
                    make_private(file.parent)
                    write_atomic(file, data)

    def discard(self) -> None:
        """Remove from the cache what this attempt found there."""
        for path in self.cached:
            file = self._file(path)
            if file is not None:
                with contextlib.suppress(OSError):
                    file.unlink()

    def _tile(self, tile: Tile) -> bytes:
        path, size = f"/{tile.path}", tile.width * HASH_SIZE
        whole, whole_size = f"/{tile.full.path}", TILE_WIDTH * HASH_SIZE
        if tile == tile.full:
            return self.read(path, size)
        data = self._recall(path, size)
        if data is not None:
            return data
        data = self._recall(whole, whole_size)
        if data is not None:
            return data[:size]
        try:
            data = self._fetch(path, size)
        except MissingError:
            # Databases drop a partial tile once it has become full.
            data = self._fetch(whole, whole_size)
            if len(data) != whole_size:
                raise IntegrityError(f"`{whole}` has {len(data)} bytes where {whole_size} belong") from None
            data = data[:size]
        self._fresh[path] = data
        return data

    def _recall(self, path: str, limit: int) -> bytes | None:
        for known in (self._fresh, self.cached):
            if path in known:
                return known[path]
        file = self._file(path)
        if file is None or not self._use_cache:
            return None
        try:
            self.cached[path] = read_limited(file, limit)
        except OSError:
            return None
        return self.cached[path]

    def _file(self, path: str) -> Path | None:
        return self._directory / path.removeprefix("/") if self._directory else None


def _split_answer(answer: bytes) -> tuple[int, str, bytes]:
    """Return number, record and signed note of the answer to a lookup (tlog.ParseRecord)."""
    number, _, rest = answer.partition(b"\n")
    body, blank, note = rest.partition(b"\n\n")
    record = decode_text(body + b"\n")
    if not blank or record is None or record.startswith("\n"):
        raise IntegrityError("the checksum database's answer is cut short or is no record at all")
    try:
        return parse_number(number.decode("ascii")), record, note
    except ValueError:
        raise IntegrityError("the checksum database's answer does not start with a record number") from None


def _digest_in(record: str, subject: str) -> str:
    """Return the one h1 digest that the record has for `subject`, a module and version."""
    digests = {
        line.removeprefix(f"{subject} ") for line in record.split("\n") if line.startswith(f"{subject} h1:")
    }
    if not digests:
        raise IntegrityError(f"the checksum database's record has no h1 digest of `{subject}`")
    digest = digests.pop()
    value = decode_base64(digest.removeprefix("h1:"))
    if digests or value is None or len(value) != HASH_SIZE:
        raise IntegrityError(f"the checksum database's record has no single h1 digest of `{subject}`")
    return digest


def _usable_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise _unusable("its URL is malformed") from None
    if parts.query or parts.fragment or not (host or parts.scheme == "file"):
        raise _unusable("its URL is malformed")
    if parts.scheme not in {"https", "file"} and not (parts.scheme == "http" and is_loopback(host)):
        raise _unusable("its URL is not https")
    return url.rstrip("/")


def _unusable(reason: str) -> UsageError:
    return UsageError(f"GOSUMDB cannot be used: {reason}", hint="go env -u GOSUMDB")
