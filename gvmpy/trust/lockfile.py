"""The lock file: which toolchains are meant, and what their bytes must hash to.

It is TOML, made to be committed and merged: a table for each version and platform, a line for each fact.

    schema = 1

    ["go1.22.3.linux-amd64"]
    filename = "go1.22.3.linux-amd64.tar.gz"
    size = 68965341
    sha256 = "8920ea521bad8f6b7bc377b4824982e011c19af27df88a815e3586ea895f1b36"
    sha256-from = "https://go.dev/dl/?…"
    h1 = "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM="
    h1-from = "sum.golang.org"

A lock file may come with any project, so the grammar is far narrower than TOML's: one plain value a line.
Writing it is gvmpy.trust.lockedit's.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError
from gvmpy.platform import Platform
from gvmpy.trust.note import decode_base64
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "gvmpy.lock"
"""Not `go.lock`: beside go.mod and go.work it would pass for the go command's own."""

SCHEMA = 1
HEADER = re.compile(r'\["(?P<name>[^"\\]{1,80})"\][ \t]*(?:#.*)?')
_FACT = re.compile(
    r"(?P<key>[a-z0-9-]{1,20})[ \t]*=[ \t]*"
    r'(?:"(?P<text>[^"\\]{0,500})"|(?P<number>0|[1-9][0-9]{0,11}))[ \t]*(?:#.*)?'
)
_NOTHING = re.compile(r"[ \t]*(?:#.*)?")
_NAME = re.compile(r"(go[0-9a-z.]+)\.([0-9a-z]+-[0-9a-z]+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HASH_SIZE = 32
_LARGEST = 1 << 20
"""Bytes."""

TEXTS = ("filename", "sha256", "sha256-from", "h1", "h1-from")
NUMBERS = ("size",)


@dataclass(frozen=True, slots=True)
class LockedArtifact:
    """One toolchain for one platform.

    `sha256` (hex) and `size` (bytes) are those of the official archive `filename`, `h1` that of the zip of
    the module golang.org/toolchain; "" and None where not known. `sha256_from` and `h1_from` tell who said
    so when it was locked.
    """

    version: GoVersion
    platform: Platform
    filename: str
    sha256: str
    size: int | None
    h1: str
    sha256_from: str = ""
    h1_from: str = ""

    @property
    def name(self) -> str:
        """The name of its table."""
        return f"{self.version.name}.{self.platform}"

    def facts(self) -> dict[str, str | int]:
        """Return what stands in its table, in order; what is not known is left out."""
        facts: dict[str, str | int] = {
            "filename": self.filename,
            "size": self.size or 0,
            "sha256": self.sha256,
            "sha256-from": self.sha256_from,
            "h1": self.h1,
            "h1-from": self.h1_from,
        }
        return {key: value for key, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class LockFile:
    """What a lock file locks, sorted; `origin` is its path, or what else stands for one."""

    origin: str
    artifacts: tuple[LockedArtifact, ...]

    def find(self, version: GoVersion, platform: Platform) -> LockedArtifact | None:
        """Return what is locked for this very version and platform."""
        wanted = (version, platform)
        return next((item for item in self.artifacts if (item.version, item.platform) == wanted), None)

    def versions(self, platform: Platform) -> list[GoVersion]:
        """Return the versions locked for `platform`, oldest first."""
        return [item.version for item in self.artifacts if item.platform == platform]


def archive_name(version: GoVersion, platform: Platform) -> str:
    """Return how the official archive is called."""
    suffix = "zip" if platform.os == "windows" else "tar.gz"
    return f"{version.name}.{platform.archive_suffix}.{suffix}"


def find_lock(directory: Path) -> Path | None:
    """Return the nearest lock file from `directory` upward."""
    for place in (directory, *directory.parents):
        if (place / FILE).is_file():
            return place / FILE
    return None


def load_lock(path: Path) -> LockFile:
    """Read the lock file at `path`. Raises UsageError, with the line, for anything but a lock file."""
    return LockFile(str(path.absolute()), parse(read(path), path))


def read(path: Path) -> str:
    """Return the text of the lock file at `path`, its line ends as they are. Raises UsageError."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"`{path}` has more than {_LARGEST} bytes, which is no lock file")
        return data.decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no lock file `{path}`", hint="gvmpy lock VERSION") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read `{path}`: {error}") from error


def parse(text: str, path: Path) -> tuple[LockedArtifact, ...]:
    """Return what `text`, the content of `path`, locks, sorted. Raises UsageError with the line."""
    try:
        tomllib.loads(text)  # duplicate tables and keys, characters that TOML does not have
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"`{path}` is not a lock file: {error}", hint=_conflict(text)) from error
    reader = _Reader(path)
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        reader.take(number, line)
    return reader.finish()


def sort(artifacts: Iterable[LockedArtifact]) -> tuple[LockedArtifact, ...]:
    """Return `artifacts` in the order a lock file has them."""
    return tuple(sorted(artifacts, key=lambda item: (item.version, str(item.platform))))


def _conflict(text: str) -> str | None:
    conflicting = any(line.startswith(("<<<<<<< ", ">>>>>>> ")) for line in text.splitlines())
    return "finish the merge first: keep the tables of both sides" if conflicting else None


class _Reader:
    """Takes the file line by line: the TOML parser keeps no line numbers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schema: int | None = None
        self._line = 0
        self._header = 0
        self._name: str | None = None
        self._facts: dict[str, str | int] = {}
        self._artifacts: list[LockedArtifact] = []

    def take(self, number: int, line: str) -> None:
        self._line = number
        if _NOTHING.fullmatch(line):
            return
        header, fact = HEADER.fullmatch(line), _FACT.fullmatch(line)
        if header is not None:
            self._close()
            self._name, self._header, self._facts = header["name"], number, {}
        elif fact is not None:
            self._take_fact(fact["key"], fact["text"], fact["number"])
        else:
            raise self._error('neither `["goVERSION.OS-ARCH"]` nor `key = value` on a line of its own')

    def finish(self) -> tuple[LockedArtifact, ...]:
        self._close()
        if self._schema is None:
            raise self._error(f"there is no `schema = {SCHEMA}`", 1)
        return sort(self._artifacts)

    def _take_fact(self, key: str, text: str | None, number: str | None) -> None:
        value: str | int = text if text is not None else int(number or 0)
        if self._name is None:
            if (key, value) != ("schema", SCHEMA):
                raise self._error(f"only `schema = {SCHEMA}` may stand before the first table")
            self._schema = SCHEMA
            return
        if key not in TEXTS + NUMBERS:
            raise self._error(f"unknown key `{key}`; known: {', '.join(sorted(TEXTS + NUMBERS))}")
        if (text is None) != (key in NUMBERS):
            raise self._error(f"`{key}` must be a {'number' if key in NUMBERS else 'string'}")
        if (key == "sha256" and not _SHA256.fullmatch(str(value))) or (
            key == "h1" and not _is_h1(str(value))
        ):
            raise self._error(f"`{key}` is not a digest")
        self._facts[key] = value

    def _close(self) -> None:
        """Make an artifact of the table that ends here."""
        if self._name is None:
            return
        version, platform = self._subject(self._name)
        facts = self._facts
        texts = {key: str(facts.get(key, "")) for key in TEXTS}
        if texts["filename"] != archive_name(version, platform):
            raise self._error(f"`filename` must be {archive_name(version, platform)!r}", self._header)
        if not texts["sha256"] and not texts["h1"]:
            raise self._error("there is neither `sha256` nor `h1`: it proves nothing", self._header)
        self._artifacts.append(
            LockedArtifact(
                version,
                platform,
                texts["filename"],
                texts["sha256"],
                int(facts.get("size", 0)) or None,
                texts["h1"],
                texts["sha256-from"],
                texts["h1-from"],
            )
        )

    def _subject(self, name: str) -> tuple[GoVersion, Platform]:
        match = _NAME.fullmatch(name)
        try:
            version = GoVersion.parse(match[1]) if match else None
            platform = Platform.parse(match[2]) if match else None
        except ValueError:
            version = platform = None
        if (
            version is None
            or platform is None
            or f"{version.name}.{platform}" != name
            or not version.is_release
        ):
            raise self._error("the table is not named goVERSION.OS-ARCH", self._header)
        return version, platform

    def _error(self, reason: str, line: int | None = None) -> UsageError:
        return UsageError(f"`{self._path}` line {line or self._line}: {reason}")


def _is_sha256(text: str) -> bool:
    return _SHA256.fullmatch(text) is not None


def _is_h1(text: str) -> bool:
    value = decode_base64(text.removeprefix("h1:")) if text.startswith("h1:") else None
    return value is not None and len(value) == _HASH_SIZE
