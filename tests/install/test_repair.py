"""`gvmpy repair`: whatever was done to an installation, it is put right in one step, from proven bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.config import Config
from gvmpy.install.repair import _ByReceipt
from gvmpy.platform import host
from gvmpy.releases.model import Address, Digest
from gvmpy.trust.receipt import Receipt
from gvmpy.version import GoVersion
from tests.conftest import User
from tests.support import toolchains
from tests.support.loopback import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.loopback import Site
    from tests.support.toolchains import Toolchain

VERSION = "1.22.3"
RECORDS = (f"receipts/go{VERSION}.json", f"receipts/go{VERSION}.files", f"versions/go{VERSION}")


@pytest.fixture(scope="module")
def installed(small: Toolchain) -> Iterator[Path]:
    """The small toolchain, installed once; each test has second links to its files."""
    shm = Path("/dev/shm")  # noqa: S108 - a fresh private directory in it
    usable = shm.is_dir() and os.access(shm, os.W_OK) and not os.statvfs(shm).f_flag & os.ST_NOEXEC
    place = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm if usable else None))
    with serve() as site:
        toolchains.serve_official(site, [small])
        person = User(place, {"HOME": str(place), "PATH": os.defpath, "GVMPY_SOURCES": "official"})
        person.env |= {"GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/", "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1"}
        result = person.run("install", VERSION, GVMPY_MIRRORS=f"{site.base}/mirror/")
    assert result.returncode == 0, result.stderr
    yield person.root
    shutil.rmtree(place)


@pytest.fixture
def owner(origin: Site, user: User, installed: Path) -> User:
    """Somebody who has it, with a running origin. Files may be replaced, but not written to."""
    for directory in (user.root, user.root / "receipts", user.root / "versions"):
        directory.mkdir(mode=0o700)
    for name in RECORDS:
        subprocess.run(["cp", "-al", str(installed / name), str(user.root / name)], check=True)
    return user


@pytest.fixture
def goroot(owner: User) -> Path:
    return owner.root / "versions" / f"go{VERSION}"


def put(path: Path, content: bytes | None = None, mode: int | None = None) -> None:
    """Put another file in its place."""
    content = path.read_bytes() if content is None else content
    mode = path.stat().st_mode & 0o777 if mode is None else mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    put(path, bytes(content))


def receipt(user: User) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((user.root / "receipts" / f"go{VERSION}.json").read_text())
    return loaded


def is_right(user: User) -> None:
    """All is as after an installation, and nothing is left over."""
    verified = user.run("verify", VERSION)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert user.leavings() == []
    assert sorted(os.listdir(user.root / "versions")) == [".incoming", f"go{VERSION}"]
    assert sorted(os.listdir(user.root / "receipts")) == [f"go{VERSION}.files", f"go{VERSION}.json"]
    answer = subprocess.check_output([user.root / "versions" / f"go{VERSION}" / "bin" / "go", "version"])
    assert answer.startswith(f"go version go{VERSION} ".encode())


def every_kind(user: User, goroot: Path) -> None:
    flip(goroot / "bin" / "gofmt")
    (goroot / "LICENSE").unlink()
    (goroot / "src" / "evil" / "deep").mkdir(parents=True)
    (goroot / "src" / "evil" / "deep" / "evil.go").write_text("package evil\n")
    put(goroot / "src" / "make.bash", mode=0o644)
    # The same bytes behind a link are not the file; nor are the same files behind one the directory.
    shutil.copy(goroot / "VERSION", user.home / "VERSION")
    (goroot / "VERSION").unlink()
    (goroot / "VERSION").symlink_to(user.home / "VERSION")
    shutil.copytree(goroot / "lib" / "time", user.home / "time")
    shutil.rmtree(goroot / "lib" / "time")
    (goroot / "lib" / "time").symlink_to(user.home / "time")
    os.mkfifo(goroot / "pipe")
    (goroot / "go.env").unlink()
    (goroot / "go.env").mkdir()


class TestDamage:
    def test_every_kind_at_once(self, owner: User, goroot: Path) -> None:
        every_kind(owner, goroot)
        before = receipt(owner)
        wrong = [
            "changed: VERSION",
            "changed: bin/gofmt",
            "missing: LICENSE",
            "missing: go.env",
            "missing: lib/time/zoneinfo.zip",
            "added: lib/time",
            "added: pipe",
            "added: src/evil/deep/evil.go",
            "mode changed: src/make.bash",
        ]
        dry = owner.run("repair", "--dry-run", VERSION)
        assert (dry.returncode, dry.stderr) == (0, "")
        assert dry.stdout.splitlines() == [
            f"go{VERSION}: would be replaced",
            *(f"  {line}" for line in wrong),
        ]
        result = owner.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        said = {
            "changed": "replaced",
            "missing": "restored",
            "added": "removed",
            "mode changed": "mode restored",
        }
        lines = [line.split(": ") for line in wrong]
        assert result.stdout.splitlines() == [
            f"repaired go{VERSION} from official (origin-sha256)",
            *(f"  {said[word]}: {name}" for word, name in lines),
        ]
        is_right(owner)
        again = owner.run("repair", VERSION)
        assert (again.returncode, again.stdout) == (0, f"go{VERSION}: nothing to repair\n")
        # What links led to is as it was.
        assert (owner.home / "time" / "zoneinfo.zip").stat().st_size
        after = receipt(owner)
        for key in ("archive_sha256", "tree_h1", "trust", "source", "file_count"):
            assert after[key] == before[key]

    def test_what_does_not_belong_goes_without_asking_anybody(
        self, owner: User, origin: Site, goroot: Path
    ) -> None:
        before = (goroot / "LICENSE").stat()
        put(goroot / "src" / "make.bash", mode=0o600)
        put(goroot / "VERSION", mode=0o777)
        put(
            goroot / "go.env", mode=0o600
        )  # others' reading it is no difference, but comes right with the rest
        (goroot / "src" / "evil.go").symlink_to("nowhere")
        result = owner.run("repair", VERSION, GVMPY_OFFLINE="1")
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines() == [
            f"repaired go{VERSION} from its own files (origin-sha256)",
            "  removed: src/evil.go",
            "  mode restored: VERSION",
            "  mode restored: src/make.bash",
        ]
        assert origin.requests == []
        is_right(owner)
        modes = {name: (goroot / name).stat().st_mode & 0o777 for name in ("VERSION", "src/make.bash")}
        assert modes == {"VERSION": 0o644, "src/make.bash": 0o755}
        after = (goroot / "LICENSE").stat()
        assert (after.st_ino, after.st_mtime) == (before.st_ino, before.st_mtime)

    def test_the_go_itself_is_gone(self, owner: User, goroot: Path) -> None:
        """It does not count as installed, and can be repaired all the same."""
        (goroot / "bin" / "go").unlink()
        assert owner.run("list").stdout == ""
        result = owner.run("repair", f"go{VERSION}")
        assert result.stdout.splitlines()[1:] == ["  restored: bin/go"], result.stderr
        is_right(owner)

    @pytest.mark.parametrize("kind", ["nothing", "link", "file", "read-only"])
    def test_the_tree_itself(self, owner: User, goroot: Path, kind: str) -> None:
        if kind == "read-only":
            (goroot / "LICENSE").unlink()
            goroot.chmod(0o555)
        else:
            goroot.rename(owner.home / "elsewhere")
        if kind == "link":
            goroot.symlink_to(owner.home / "elsewhere")
            assert owner.run("verify", VERSION).returncode == 1
        elif kind == "file":
            goroot.write_text("in the way")
        result = owner.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        assert not goroot.is_symlink()
        is_right(owner)
        if kind != "read-only":
            assert (owner.home / "elsewhere" / "bin" / "go").exists()

    @pytest.mark.parametrize("content", [None, b"{}", b"\xff"])
    def test_the_receipt(self, owner: User, goroot: Path, content: bytes | None) -> None:
        """Then there is no digest to rely on: the proof is made afresh."""
        path = owner.root / "receipts" / f"go{VERSION}.json"
        before = path.read_bytes()
        path.unlink()
        if content is not None:
            path.write_bytes(content)
            hint = owner.run("verify", VERSION).stderr
            assert hint.endswith(f"hint: gvmpy repair {VERSION}\n")
        result = owner.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        first, second = result.stdout.splitlines()
        assert first == f"repaired go{VERSION} from official (origin-sha256)"
        assert str(path) in second
        assert "digest_from" not in receipt(owner)["evidence"]
        assert receipt(owner)["tree_h1"] == json.loads(before)["tree_h1"]
        is_right(owner)

    @pytest.mark.parametrize("content", [None, b"0" * 64 + b" 0644 VERSION\n"])
    def test_the_list_of_files(self, owner: User, goroot: Path, content: bytes | None) -> None:
        path = owner.root / "receipts" / f"go{VERSION}.files"
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        assert owner.run("repair", VERSION).returncode == 0
        is_right(owner)

    def test_what_is_intact_is_left_alone(self, owner: User, origin: Site, goroot: Path) -> None:
        before = goroot.stat().st_ino
        result = owner.run("repair", "--all")
        assert (result.returncode, result.stdout) == (0, f"go{VERSION}: nothing to repair\n")
        assert goroot.stat().st_ino == before
        assert origin.requests == []

    def test_json_and_all(self, owner: User, goroot: Path) -> None:
        (goroot / "LICENSE").unlink()
        dry = json.loads(owner.run("repair", "--all", "--dry-run", "--json").stdout)
        assert (dry["command"], dry["status"], dry["data"]["dry_run"]) == ("repair", "ok", True)
        [entry] = dry["data"]["versions"]
        assert (entry["intact"], entry["repaired"], entry["missing"]) == (False, False, ["LICENSE"])
        assert not (goroot / "LICENSE").exists()
        done = json.loads(owner.run("repair", "--all", "--json").stdout)
        [entry] = done["data"]["versions"]
        assert list(entry) == [
            *("version", "intact", "repaired", "fetched", "fault"),
            *("changed", "missing", "added", "mode", "source", "trust", "evidence", "detours"),
        ]
        assert (entry["intact"], entry["repaired"], entry["missing"]) == (False, True, ["LICENSE"])
        assert (entry["source"], entry["trust"]) == ("official", "origin-sha256")
        assert (goroot / "LICENSE").exists()

    def test_requests(self, owner: User) -> None:
        for arguments in ([], ["--all", VERSION]):
            result = owner.run("repair", *arguments)
            assert (result.returncode, result.stdout) == (2, "")
            assert "name the versions to repair, or say --all" in result.stderr
        absent = owner.run("repair", "1.99.1")
        assert (absent.returncode, absent.stderr) == (
            3,
            "error: go1.99.1 is not installed\nhint: gvmpy install 1.99.1\n",
        )
        assert owner.run("repair", "1.22").stdout == f"go{VERSION}: nothing to repair\n"

    def test_a_dry_run_writes_nothing(self, owner: User, goroot: Path, origin: Site) -> None:
        from tests.cli.snapshot import snapshot

        flip(goroot / "LICENSE")
        before = snapshot(owner.root, owner.home)
        assert owner.run("repair", "--dry-run", VERSION).returncode == 0
        assert snapshot(owner.root, owner.home) == before
        assert origin.requests == []


class TestBytes:
    """Where the bytes come from, and what they must be."""

    def test_the_receipt_has_the_digest_when_the_origin_is_away(
        self, owner: User, goroot: Path, origin: Site
    ) -> None:
        flip(goroot / "LICENSE")
        del origin.paths["/dl/"]
        result = owner.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        assert f"note: official: the index at {origin.base}/dl/?… answered 404" in result.stderr
        found = receipt(owner)
        assert found["trust"] == "origin-sha256"
        assert found["evidence"]["digest_from"] == "receipt"
        assert found["url"].startswith(f"{origin.base}/mirror/")
        is_right(owner)

    def test_other_bytes_are_refused(self, owner: User, goroot: Path, origin: Site, small: Toolchain) -> None:
        flip(goroot / "LICENSE")
        del origin.paths["/dl/"]
        body = bytearray(small.archive.read_bytes())
        body[len(body) // 2] ^= 1
        origin.body(f"/mirror/{small.archive.name}", bytes(body), "application/gzip")
        result = owner.run("repair", VERSION)
        assert result.returncode == 5
        assert owner.run("verify", VERSION).stdout.splitlines()[1:] == ["  changed: LICENSE"]
        assert owner.leavings() == []

    def test_an_origin_that_has_changed_its_mind_ends_it(
        self, owner: User, goroot: Path, origin: Site, small: Toolchain
    ) -> None:
        (goroot / "LICENSE").unlink()
        forged = toolchains.index_of([small]).replace(small.archive_sha256.encode(), b"f" * 64)
        origin.body("/dl/", forged)
        result = owner.run("repair", VERSION)
        assert result.returncode == 5
        assert result.stderr.splitlines() == [
            f"error: official has another go{VERSION} now than the one that was installed",
            f"  receipt sha256 {small.archive_sha256}",
            f"  source  sha256 {'f' * 64}",
            f"hint: find out why; then gvmpy uninstall --force --yes {VERSION} && gvmpy install {VERSION}",
        ]

    def test_a_better_proof_is_kept(self, owner: User, goroot: Path) -> None:
        """The index is nobody's to trust now; the same digest came from an origin before."""
        (goroot / "LICENSE").unlink()
        assert owner.run("repair", VERSION, GVMPY_OFFICIAL_TRUSTED="").returncode == 0
        found = receipt(owner)
        assert (found["trust"], found["evidence"]["digest_from"]) == ("origin-sha256", "receipt")

    def test_a_receipt_without_a_digest(self, owner: User, goroot: Path, origin: Site) -> None:
        (goroot / "LICENSE").unlink()
        path = owner.root / "receipts" / f"go{VERSION}.json"
        put(path, json.dumps(receipt(owner) | {"archive_sha256": ""}).encode())
        result = owner.run("repair", VERSION)
        assert result.returncode == 5
        assert f"the receipt of go{VERSION} names no sha256 digest" in result.stderr
        assert not [path for path, _ in origin.requests if path.endswith(".tar.gz")]

    def test_nobody_can_be_asked(self, owner: User, goroot: Path) -> None:
        (goroot / "LICENSE").unlink()
        result = owner.run("repair", VERSION, GVMPY_OFFLINE="1")
        assert result.returncode == 4
        assert owner.run("verify", VERSION).returncode == 1

    def test_a_module(self, user: User, goproxy: Site) -> None:
        assert user.run("install", VERSION).returncode == 0
        before = receipt(user)
        (user.root / "versions" / f"go{VERSION}" / "LICENSE").unlink()
        result = user.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines()[0] == f"repaired go{VERSION} from goproxy (transparency-log)"
        assert receipt(user)["tree_h1"] == before["tree_h1"]
        is_right(user)

    def test_a_module_by_its_receipt(self) -> None:
        """The zip may be compressed otherwise now; its `h1:` is what counts."""
        evidence: dict[str, str | int] = {"module": "golang.org/toolchain@v", "h1": "h1:x", "record": 7}
        old = Receipt(
            VERSION, str(host()), "goproxy", "https://p.example/v.zip", "0" * 64, 9, "transparency-log",
            evidence, "h1:y", 1, "", "",
        )  # fmt: skip
        artifact = _ByReceipt(old, Config()).artifact(GoVersion.parse(VERSION), host())
        assert artifact.addresses == (Address("https://p.example/v.zip"),)
        assert (artifact.layout, artifact.digest) == ("toolchain-module", Digest("h1", "h1:x"))
        assert (artifact.size, artifact.trust, artifact.source) == (None, "transparency-log", "goproxy")
        assert artifact.evidence == evidence | {"digest_from": "receipt"}


# Runs gvmpy itself, with one function on the way replaced by one that kills the process group.
KILLED_AT = """
import os, signal, sys
import gvmpy.files, gvmpy.install.commit as commit

def instead(module, name, when, after=False):
    real = getattr(module, name)
    def function(*arguments, **named):
        if when(*arguments) and not after:
            os.killpg(0, signal.SIGKILL)
        value = real(*arguments, **named)
        if when(*arguments):
            os.killpg(0, signal.SIGKILL)
        return value
    setattr(module, name, function)

point = sys.argv.pop(1)
if point == "before":
    instead(commit, "exchange", lambda *names: True)
elif point == "after":
    instead(commit, "exchange", lambda *names: True, after=True)
elif point == "list":
    instead(commit, "write_atomic", lambda path, data: path.suffix == ".json")
elif point == "receipt":
    instead(gvmpy.files.os, "replace", lambda old, new: str(new).endswith(".json"))
elif point == "aside":
    gvmpy.files._exchanged = lambda one, other: False
    instead(gvmpy.files.os, "rename", lambda old, new: ".incoming" in str(new), after=True)
from gvmpy.entry import main
raise SystemExit(main())
"""


def killed_at(user: User, point: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_AT, point, "repair", VERSION],
        env=user.env,
        cwd=user.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, stderr


class TestCrash:
    """Killed with kill -9: the old tree or the new one, whole, and a plain retry puts all right."""

    @pytest.mark.parametrize(
        ("point", "records"),
        [
            ("before", "kept"),
            ("after", "kept"),
            ("after", "spoilt"),
            ("list", "spoilt"),
            ("receipt", "kept"),
            ("receipt", "spoilt"),
        ],
    )
    def test_at(self, owner: User, goroot: Path, point: str, records: str) -> None:
        flip(goroot / "LICENSE")
        spoilt = (goroot / "LICENSE").read_bytes()
        if records == "spoilt":
            put(owner.root / "receipts" / f"go{VERSION}.json", b"{}")
        killed_at(owner, point)
        is_old = (goroot / "LICENSE").read_bytes() == spoilt
        assert is_old is (point == "before")
        answer = subprocess.check_output([goroot / "bin" / "go", "version"])
        assert answer.startswith(f"go version go{VERSION} ".encode())
        assert owner.run("list").stdout != ""
        if records == "kept" and not is_old:
            assert owner.run("verify", VERSION).returncode == 0
        result = owner.run("repair", VERSION)
        assert result.returncode == 0, result.stderr
        is_right(owner)

    def test_where_names_cannot_be_exchanged(self, owner: User, goroot: Path) -> None:
        """There the tree is missing between two renames; that is found, and put right."""
        flip(goroot / "LICENSE")
        killed_at(owner, "aside")
        assert not goroot.exists()
        assert owner.run("repair", VERSION).returncode == 0
        is_right(owner)


def test_two_at_once(owner: User, goroot: Path) -> None:
    (goroot / "LICENSE").unlink()
    processes = [owner.start("repair", VERSION) for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sorted("nothing to repair" in stdout for stdout, _ in outputs) == [False, True]
    is_right(owner)


def test_a_build_goes_on(user: User, official: Site) -> None:
    """Builds by the real Go run one after the other while its tree is replaced."""
    assert user.run("install", VERSION).returncode == 0
    goroot = user.root / "versions" / f"go{VERSION}"
    module = user.home / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example\n\ngo 1.22\n")
    env = user.env | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}

    def build(number: int) -> None:
        main = f'package main\n\nimport "errors"\n\nfunc main() {{ println(errors.New("x"), {number}) }}\n'
        (module / "main.go").write_text(main)
        command = [str(goroot / "bin" / "go"), "build", "-o", os.devnull, "."]
        done = subprocess.run(
            command, cwd=module, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr

    build(0)
    before = goroot.stat().st_ino
    (goroot / "LICENSE").unlink()
    repairing = user.start("repair", VERSION)
    builds = 0
    while repairing.poll() is None:
        builds += 1
        build(builds)
    stdout, stderr = repairing.communicate()
    assert stdout.splitlines()[1:] == ["  restored: LICENSE"], stderr
    assert goroot.stat().st_ino != before
    assert builds > 1
    build(builds + 1)
