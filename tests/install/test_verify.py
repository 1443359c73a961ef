"""Verification as a value; what the command shows of it is tested in tests/cli/test_verify.py."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import IntegrityError, NoSuchVersionError
from gvmpy.home import Home
from gvmpy.install.commit import manifest_path
from gvmpy.install.verify import verify
from gvmpy.trust.manifest import FileRecord, Manifest
from gvmpy.trust.receipt import Receipt
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from pathlib import Path

VERSION = GoVersion.parse("1.22.3")
FILES = {"bin/go": b"#!/bin/sh\n", "src/a.go": b"package a\n", "VERSION": b"go1.22.3\n", "empty": b""}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A small tree with records of its own."""
    home = Home(tmp_path / "root")
    home.prepare()
    records = []
    for name, content in FILES.items():
        path = home.goroot(VERSION) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        mode = 0o755 if name.startswith("bin/") else 0o644
        path.chmod(mode)
        records.append(FileRecord(name, hashlib.sha256(content).hexdigest(), mode))
    write_records(home, Manifest.of(records))
    return home


def write_records(home: Home, manifest: Manifest, tree_h1: str | None = None) -> None:
    manifest_path(home, VERSION).write_text(manifest.dumps())
    receipt = Receipt(
        version=VERSION.text,
        platform="linux-amd64",
        source="official",
        url="https://x.example/",
        archive_sha256="0" * 64,
        archive_size=1,
        trust="origin-sha256",
        evidence={},
        tree_h1=tree_h1 or manifest.h1,
        file_count=manifest.count,
        installed_at="2026-01-01T00:00:00Z",
        gvmpy="0",
    )
    home.receipt(VERSION).write_bytes(receipt.dumps())


def test_intact(home: Home) -> None:
    verification = verify(home, VERSION)
    assert verification.intact
    assert verification.files == len(FILES)
    assert verification.receipt.trust == "origin-sha256"


@pytest.mark.parametrize("name", FILES)
def test_every_single_file_counts(home: Home, name: str) -> None:
    path = home.goroot(VERSION) / name
    path.write_bytes(FILES[name] + b"x")
    assert verify(home, VERSION).difference.changed == (name,)
    path.write_bytes(FILES[name])
    assert verify(home, VERSION).intact
    if name != "bin/go":
        path.unlink()
        assert verify(home, VERSION).difference.missing == (name,)


@pytest.mark.parametrize(("mode", "differs"), [(0o755, False), (0o700, False), (0o555, False), (0o644, True)])
def test_only_who_may_execute_counts(home: Home, mode: int, differs: bool) -> None:
    """A umask, or a read-only copy, changes the rest."""
    program = home.goroot(VERSION) / "bin" / "gofmt"
    program.write_bytes(b"x")
    program.chmod(mode)
    records = [*_records(home), FileRecord("bin/gofmt", hashlib.sha256(b"x").hexdigest(), 0o755)]
    write_records(home, Manifest.of(records))
    assert verify(home, VERSION).difference.mode == (("bin/gofmt",) if differs else ())


def _records(home: Home) -> tuple[FileRecord, ...]:
    return Manifest.loads(manifest_path(home, VERSION).read_text()).records


def test_a_list_the_receipt_does_not_vouch_for(home: Home) -> None:
    """Whoever can change a file can change the list beside it; the two digests are both told."""
    manifest = Manifest.of(_records(home)[1:])
    before = Manifest.of(_records(home)).h1
    write_records(home, manifest, tree_h1=before)
    with pytest.raises(IntegrityError, match="is not the list of files") as caught:
        verify(home, VERSION)
    assert caught.value.details == (f"receipt {before}", f"list    {manifest.h1}")


def test_not_installed(home: Home) -> None:
    home.receipt(VERSION).unlink()
    with pytest.raises(NoSuchVersionError) as caught:
        verify(home, VERSION)
    assert caught.value.hint == "gvmpy install 1.22.3"


def test_the_records_are_of_another_version(home: Home) -> None:
    """A receipt copied from elsewhere says nothing about this tree."""
    other = GoVersion.parse("1.22.4")
    home.goroot(VERSION).rename(home.goroot(other))
    home.receipt(VERSION).rename(home.receipt(other))
    manifest_path(home, VERSION).rename(manifest_path(home, other))
    with pytest.raises(IntegrityError):
        verify(home, other)
