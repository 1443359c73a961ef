from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.cli.snapshot import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User


@pytest.fixture
def goroot(owner: User) -> Path:
    return owner.root / "versions" / f"go{OLD}"


def replace(path: Path, content: bytes | None = None, mode: int | None = None) -> None:
    """Put another file in its place: the one there is shared with other tests."""
    content = path.read_bytes() if content is None else content
    mode = path.stat().st_mode & 0o777 if mode is None else mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def lines(owner: User) -> tuple[int, list[str]]:
    result = owner.run("verify", OLD)
    assert "Traceback" not in result.stderr
    return result.returncode, result.stdout.splitlines()


class TestIntact:
    def test_one_and_all(self, person: User) -> None:
        one = person.run("verify", OLD)
        assert (one.returncode, one.stderr) == (0, "")
        receipt = json.loads((person.root / "receipts" / f"go{OLD}.json").read_text())
        assert one.stdout == f"go{OLD}: {receipt['file_count']} files as installed (origin-sha256)\n"
        every = person.run("verify")
        assert every.returncode == 0
        assert [line.partition(":")[0] for line in every.stdout.splitlines()] == [f"go{OLD}", f"go{NEW}"]

    def test_json(self, person: User) -> None:
        document = json.loads(person.run("verify", "1.21", "--json").stdout)
        [entry] = document["data"]["versions"]
        assert list(entry) == [
            *("version", "intact", "files", "trust", "tree_h1", "changed", "missing", "added", "mode"),
        ]
        assert (entry["version"], entry["intact"], entry["changed"]) == (OLD, True, [])
        assert entry["tree_h1"].startswith("h1:")

    def test_writes_nothing(self, person: User) -> None:
        before = snapshot(person.root, person.home)
        assert person.run("verify").returncode == 0
        assert snapshot(person.root, person.home) == before

    def test_use_leaves_the_tree_pristine(self, owner: User, goroot: Path) -> None:
        import subprocess

        module = owner.home / "module"
        module.mkdir()
        (module / "go.mod").write_text("module example\n\ngo 1.21\n")
        (module / "main.go").write_text("package main\n\nfunc main() { println(1) }\n")
        env = owner.env | {
            "GOTOOLCHAIN": "local",
            "GOCACHE": str(owner.home / "gocache"),
            "GOFLAGS": "-mod=mod",
        }
        subprocess.run(
            [goroot / "bin" / "go", "build", "-o", os.devnull, "."], cwd=module, env=env, check=True
        )
        assert lines(owner)[0] == 0

    def test_nothing_installed(self, user: User) -> None:
        result = user.run("verify")
        assert (result.returncode, result.stdout) == (0, "nothing is installed\n")

    def test_not_installed(self, person: User) -> None:
        result = person.run("verify", "1.99.1")
        assert (result.returncode, result.stdout) == (3, "")
        assert result.stderr == "error: Go 1.99.1 is not installed\nhint: gvmpy install 1.99.1\n"


class TestTampered:
    def test_every_kind_is_named(self, owner: User, goroot: Path) -> None:
        flipped = bytearray((goroot / "bin" / "gofmt").read_bytes())
        flipped[len(flipped) // 2] ^= 1
        replace(goroot / "bin" / "gofmt", bytes(flipped))
        (goroot / "LICENSE").unlink()
        (goroot / "src" / "fmt" / "evil.go").write_text("package fmt\n")
        replace(goroot / "src" / "make.bash", mode=0o644)
        code, shown = lines(owner)
        assert code == 1
        assert shown == [
            f"go{OLD}: not as installed",
            "  changed: bin/gofmt",
            "  missing: LICENSE",
            "  added: src/fmt/evil.go",
            "  mode changed: src/make.bash",
        ]
        document = json.loads(owner.run("verify", "--json").stdout)
        assert (document["status"], document["exit_code"], document["errors"]) == ("no", 1, [])
        [entry] = document["data"]["versions"]
        assert not entry["intact"]
        found = (entry["changed"], entry["missing"], entry["added"], entry["mode"])
        assert found == (["bin/gofmt"], ["LICENSE"], ["src/fmt/evil.go"], ["src/make.bash"])

    def test_same_size_and_time(self, owner: User, goroot: Path) -> None:
        """Content is what counts: neither size nor time of change are believed."""
        path = goroot / "src" / "fmt" / "print.go"
        before = path.stat()
        replace(path, path.read_bytes().replace(b"func", b"fuNc", 1))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert lines(owner) == (1, [f"go{OLD}: not as installed", "  changed: src/fmt/print.go"])

    @pytest.mark.parametrize("kind", ["link", "dangling link", "directory", "fifo"])
    def test_something_else_in_its_place(self, owner: User, goroot: Path, kind: str) -> None:
        path = goroot / "VERSION"
        content = path.read_bytes()
        path.unlink()
        if kind == "link":
            (owner.home / "VERSION").write_bytes(content)
            path.symlink_to(owner.home / "VERSION")
        elif kind == "dangling link":
            path.symlink_to("nowhere")
        elif kind == "directory":
            path.mkdir()
        else:
            os.mkfifo(path)
        code, shown = lines(owner)
        assert code == 1
        assert shown[1:] == ["  missing: VERSION" if kind == "directory" else "  changed: VERSION"]

    def test_a_directory_that_is_a_link(self, owner: User, goroot: Path) -> None:
        """The same files elsewhere are not the tree that was installed: a link's target may change."""
        shutil.move(goroot / "api", owner.home / "api") if (goroot / "api").exists() else None
        name = "lib/time"
        shutil.move(goroot / name, owner.home / "time")
        (goroot / name).symlink_to(owner.home / "time")
        code, shown = lines(owner)
        assert code == 1
        assert "  added: lib/time" in shown
        assert "  missing: lib/time/zoneinfo.zip" in shown

    def test_hostile_names(self, owner: User, goroot: Path) -> None:
        os.close(os.open(os.fsencode(goroot) + b"/\x1b[2J\n\xff\xe2\x80\xae.go", os.O_CREAT | os.O_WRONLY))
        result = owner.run("verify", OLD)
        assert result.returncode == 1
        assert result.stderr.startswith("hint: gvmpy repair ")
        assert not {"\x1b", "\u202e"} & set(result.stdout + result.stderr)
        assert result.stdout.splitlines()[1:] == ["  added: \\x1b[2J\\n\\udcff\\u202e.go"]
        [entry] = json.loads(owner.run("verify", "--json").stdout)["data"]["versions"]
        assert entry["added"] == ["\x1b[2J\n\udcff\u202e.go"]

    def test_another_one_is_judged_on_its_own(self, owner: User, goroot: Path) -> None:
        (goroot / "added").write_text("x")
        result = owner.run("verify", GVMPY_ROOT=str(owner.root))
        assert result.returncode == 1


class TestItsOwnRecords:
    """What verify compares with must itself be what the receipt vouches for."""

    def test_a_changed_list(self, owner: User) -> None:
        listing = owner.root / "receipts" / f"go{OLD}.files"
        text = listing.read_text()
        listing.unlink()
        listing.write_text(text.replace(text[:64], "0" * 64, 1))
        result = owner.run("verify", OLD)
        assert result.returncode == 5
        assert f"is not the list of files that the receipt of go{OLD} vouches for" in result.stderr
        assert f"hint: gvmpy repair {OLD}\n" in result.stderr

    @pytest.mark.parametrize("content", [None, b"", b"junk\n", b"\xff\n", b"../../etc/passwd\n"])
    def test_no_list_or_a_spoilt_one(self, owner: User, content: bytes | None) -> None:
        listing = owner.root / "receipts" / f"go{OLD}.files"
        listing.unlink()
        if content is not None:
            listing.write_bytes(content)
        result = owner.run("verify", OLD)
        assert result.returncode == 5
        assert result.stderr.startswith("error: ")
        assert "Traceback" not in result.stderr

    def test_a_spoilt_receipt(self, owner: User) -> None:
        receipt = owner.root / "receipts" / f"go{OLD}.json"
        receipt.unlink()
        receipt.write_text("{}")
        result = owner.run("verify", OLD)
        assert result.returncode == 5
        assert f"`{receipt}` is not a receipt" in result.stderr

    def test_one_that_cannot_be_checked_does_not_hide_the_others(self, owner: User) -> None:
        """All are looked at; the worst decides."""
        receipt = owner.root / "receipts" / "go1.20.json"
        receipt.write_text("{}")
        binary = owner.root / "versions" / "go1.20" / "bin" / "go"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
        result = owner.run("verify")
        assert result.returncode == 5
        assert f"go{OLD}: " in result.stdout
        assert f"`{receipt}` is not a receipt" in result.stderr
