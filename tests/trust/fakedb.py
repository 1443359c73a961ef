"""A real checksum database, small and in memory: a growing tree, heads signed by a key of its own.

    database = FakeDatabase()
    database.fill(300)
    database.add("golang.org/toolchain", "v0.0.1-go1.22.3.linux-amd64")
    answer = database.answer("/lookup/golang.org/toolchain@v0.0.1-go1.22.3.linux-amd64")   # None is a 404

`answer` speaks for everything below `/sumdb/NAME` of a proxy: /supported, /latest, /lookup/..., /tile/....
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gvmpy.errors import NetworkError
from gvmpy.trust.sumdb import MissingError

_TILE = re.compile(r"/tile/8/([0-9]+)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]+))?")


def digest_of(text: str) -> str:
    """Return some well-formed h1 digest, another for every text."""
    return "h1:" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class FakeDatabase:
    def __init__(self, name: str = "sums.example.com", seed: bytes = b"\x07" * 32) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = b"\x01" + self._key.public_key().public_bytes_raw()
        self._key_hash = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.vkey = f"{name}+{self._key_hash.hex()}+{base64.b64encode(public).decode()}"
        self._levels: list[list[bytes]] = [[]]
        self._records: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self.extra = ""
        """Lines put behind the root into every head signed from now on."""

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def add(self, module: str, version: str, h1: str = "", text: str | None = None) -> int:
        """Append the record of a version (or any other `text` in its place) and return its number."""
        if text is None:
            h1 = h1 or digest_of(f"{module}@{version}")
            text = f"{module} {version} {h1}\n{module} {version}/go.mod {digest_of(module)}\n"
        escaped = re.sub("[A-Z]", lambda capital: "!" + capital[0].lower(), f"{module}@{version}")
        self._numbers[escaped] = self.size
        self._records[self.size] = text
        self._append(hashlib.sha256(b"\x00" + text.encode()).digest())
        return self.size - 1

    def fill(self, size: int) -> None:
        """Append nameless records until there are `size` of them."""
        while self.size < size:
            self._append(hashlib.sha256(b"\x00filler %d" % self.size).digest())

    def fork(self, version: str = "v9.9.9-fork") -> FakeDatabase:
        """Return the same database with another future, one record longer: its key tells two stories."""
        other = copy.copy(self)
        other._levels = [list(level) for level in self._levels]
        other._records, other._numbers = dict(self._records), dict(self._numbers)
        other.add("fork.example.com", version)
        return other

    def root(self, size: int | None = None) -> bytes:
        size = self.size if size is None else size
        root, start = None, size
        for level in range(size.bit_length()):
            if size >> level & 1:
                start -= 1 << level
                left = self._levels[level][start >> level]
                root = left if root is None else hashlib.sha256(b"\x01" + left + root).digest()
        return hashlib.sha256().digest() if root is None else root

    def head(self, size: int | None = None) -> bytes:
        """Return a signed head over the first `size` records, of all without it."""
        size = self.size if size is None else size
        root = base64.b64encode(self.root(size)).decode()
        return self.sign(f"go.sum database tree\n{size}\n{root}\n{self.extra}")

    def sign(self, text: str) -> bytes:
        blob = self._key_hash + self._key.sign(text.encode())
        return f"{text}\n\N{EM DASH} {self.name} {base64.b64encode(blob).decode()}\n".encode()

    def lookup(self, module_version: str, size: int | None = None) -> bytes:
        """Return the answer for an escaped `module@version`, under a head of `size` records."""
        number = self._numbers[module_version]
        return f"{number}\n{self._records[number]}\n".encode() + self.head(size)

    def answer(self, path: str) -> bytes | None:
        """Return what a database serves at `path`, or None for 404."""
        if path == "/supported":
            return b""
        if path == "/latest":
            return self.head()
        module_version = path.removeprefix("/lookup/")
        if module_version in self._numbers:
            return self.lookup(module_version)
        match = _TILE.fullmatch(path)
        return self._tile(int(match[1]), match[2], int(match[3] or 256)) if match else None

    def _tile(self, level: int, digits: str, width: int) -> bytes | None:
        index = int(digits.replace("x", "").replace("/", ""))
        hashes = self._levels[8 * level] if 8 * level < len(self._levels) else []
        found = hashes[256 * index : 256 * index + width]
        return b"".join(found) if len(found) == width else None

    def _append(self, leaf: bytes) -> None:
        node, index, level = leaf, self.size, 0
        self._levels[0].append(leaf)
        while index & 1:
            node = hashlib.sha256(b"\x01" + self._levels[level][index - 1] + node).digest()
            index, level = index >> 1, level + 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)


@dataclass
class FakeServer:
    """A fetch function over a database: counts requests, and answers `instead` where a test lies."""

    database: FakeDatabase
    instead: dict[str, bytes | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def __call__(self, path: str, limit: int) -> bytes:
        self.asked.append(path)
        if self.down:
            raise NetworkError("the network is down")
        data = self.instead[path] if path in self.instead else self.database.answer(path)
        if data is None:
            raise MissingError(f"{path} answered 404")
        if len(data) > limit:
            raise NetworkError(f"{path} answered more than {limit} bytes")
        return data
