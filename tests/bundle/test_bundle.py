"""`gvmpy bundle`: a kit made on one machine, used on another that has no network, or served to many."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gvmpy.platform import host
from gvmpy.releases.sources.goproxy import MODULE
from tests.conftest import User
from tests.support import toolchains
from tests.support.loopback import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

OLD, NEW = "1.21.6", "1.22.3"
_PORT = re.compile(r"port ([0-9]+)")


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A directory on tmpfs for all kits: they are large, and linked rather than copied."""
    shm = Path("/dev/shm")  # noqa: S108 - a fresh private directory in it
    usable = shm.is_dir() and os.access(shm, os.W_OK)
    path = Path(tempfile.mkdtemp(prefix="gvmpy-test-", dir=shm if usable else None))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def whole(place: Path, real_toolchains: dict[str, Toolchain]) -> Path:
    """A kit of two versions, each as archive and as module, made by somebody with a network."""
    with serve() as site:
        toolchains.serve_official(site, [real_toolchains[OLD], real_toolchains[NEW]])
        toolchains.serve_goproxy(site, [real_toolchains[OLD], real_toolchains[NEW]])
        maker = User(place / "maker", {"HOME": str(place / "maker"), "PATH": os.defpath, "LC_ALL": "C.UTF-8"})
        maker.home.mkdir()
        maker.env |= {"GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/", "GVMPY_MIRRORS": f"{site.base}/mirror/"}
        maker.env |= {"GVMPY_OFFICIAL_TRUSTED": "127.0.0.1"}
        made = maker.run("bundle", "create", "kit", NEW, OLD, GOPROXY=f"{site.base}/proxy")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines() == [
        f"go{OLD}.{host()}: official archive and toolchain module",
        f"go{NEW}.{host()}: official archive and toolchain module",
    ]
    return maker.home / "kit"


@pytest.fixture
def kit(whole: Path, place: Path) -> Iterator[Path]:
    """The same, each file a second link: it may be replaced, but not written to."""
    copy = Path(tempfile.mkdtemp(prefix="kit-", dir=place))
    subprocess.run(["cp", "-al", f"{whole}/.", str(copy)], check=True)
    yield copy
    shutil.rmtree(copy)


def cut_off(user: User, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run gvmpy in a network namespace of its own, in which there is not even loopback."""
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    finished = subprocess.run(
        [*unshare, *user.command(*arguments)],
        env=user.env | env,
        cwd=user.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not finished.stderr.startswith("unshare:"), "no network namespace can be made here"
    return finished


def module(version: str, suffix: str = ".zip") -> str:
    return f"{MODULE}/@v/v0.0.1-go{version}.{host()}{suffix}"


def archive(version: str) -> str:
    return f"go{version}.{host().archive_suffix}.tar.gz"


def replace_file(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def flip(path: Path, at: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    replace_file(path, bytes(data))


def tiles(kit: Path) -> list[Path]:
    return [path for path in kit.rglob("tile/8/1/**/*") if path.is_file()]


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    replace_file(path, data.replace(old, new))


def forget(kit: Path, path: Path) -> None:
    path.unlink()
    name = path.relative_to(kit).as_posix()
    lines = (kit / "SHA256SUMS").read_text().splitlines(keepends=True)
    replace_file(
        kit / "SHA256SUMS", "".join(line for line in lines if not line.endswith(f"  {name}\n")).encode()
    )


def flip_tiles(kit: Path) -> None:
    for path in tiles(kit):
        flip(path)


def forget_tiles(kit: Path) -> None:
    for path in tiles(kit):
        forget(kit, path)


TAMPERING: dict[str, Callable[[Path], None]] = {
    "zip": lambda kit: flip(kit / module(NEW)),
    "tile": flip_tiles,
    "record": lambda kit: change(next(kit.glob(f"sumdb/*/lookup/{MODULE}@*go{NEW}*")), b" h1:Lq", b" h1:Lr"),
    "index": lambda kit: change(kit / "index.json", b'"stable": true', b'"stable": null'),
    "lock": lambda kit: change(kit / "gvmpy.lock", b'h1 = "h1:Lq', b'h1 = "h1:Lr'),
    "missing tile": forget_tiles,
}


def sum_anew(kit: Path) -> None:
    """Make SHA256SUMS fit, as whoever tampers with a kit would."""
    lines = [line.split("  ")[1] for line in (kit / "SHA256SUMS").read_text().splitlines()]
    sums = [f"{hashlib.sha256((kit / name).read_bytes()).hexdigest()}  {name}\n" for name in lines]
    replace_file(kit / "SHA256SUMS", "".join(sums).encode())


def receipt(user: User, version: str) -> dict[str, object]:
    loaded = json.loads((user.root / "receipts" / f"go{version}.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


class TestCreate:
    def test_what_is_in_it(self, whole: Path, real_toolchains: dict[str, Toolchain]) -> None:
        names = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
        database = {name for name in names if name.startswith(f"sumdb/{toolchains.SUMDB}/")}
        modules = {module(version, suffix) for version in (OLD, NEW) for suffix in (".zip", ".info", ".mod")}
        lookups = {
            f"sumdb/{toolchains.SUMDB}/lookup/{MODULE}@v0.0.1-go{version}.{host()}" for version in (OLD, NEW)
        }
        assert names - database == {
            *("SHA256SUMS", "gvmpy.lock", "index.json", f"{MODULE}/@v/list", archive(OLD), archive(NEW)),
            *modules,
        }
        assert {name for name in database if "/tile/" not in name} == lookups | {
            f"sumdb/{toolchains.SUMDB}/latest",
            f"sumdb/{toolchains.SUMDB}/supported",
        }
        assert 5 < len(database) < 40
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=whole, check=True)
        assert all((whole / name).stat().st_mode & 0o777 == 0o644 for name in names)
        assert (whole / archive(NEW)).read_bytes() == real_toolchains[NEW].archive.read_bytes()
        assert json.loads((whole / module(NEW, ".info")).read_text()) == {
            "Version": f"v0.0.1-go{NEW}.{host()}",
            "Time": "2024-05-01T19:49:47Z",
        }
        assert (whole / module(NEW, ".mod")).read_text() == f"module {MODULE}\n"

    def test_goes_on_where_it_was_killed(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        """Killed in the middle of a download: what had come stays, and the same command fetches the rest."""
        path = f"/proxy/{module(NEW)}"
        body = real_toolchains[NEW].zip.read_bytes()

        def stall(request: Request) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            time.sleep(60)

        goproxy.faults[path] = [stall]
        killed = user.start("bundle", "create", "kit", NEW)
        kit = user.home / "kit"
        deadline = time.monotonic() + 60
        while not any(part.stat().st_size > 1 << 20 for part in kit.glob(".incoming/partial/*")):
            assert killed.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        unfinished = user.run("bundle", "install", "kit")
        assert unfinished.returncode == 5
        assert "is not a whole kit: there is no SHA256SUMS" in unfinished.stderr
        assert "hint: gvmpy bundle create" in unfinished.stderr
        again = user.run("bundle", "create", "kit", NEW, "--json")
        assert again.returncode == 0, again.stdout
        assert json.loads(again.stdout)["data"] == {
            "kit": str(kit),
            "entries": [{"version": NEW, "platform": str(host()), "archive": False, "module": True}],
            "fresh": [module(NEW)],
        }
        assert "Range" in goproxy.asked(path)[1]
        assert not (kit / ".incoming").exists()
        assert user.run("bundle", "verify", "kit").returncode == 0
        goproxy.requests.clear()
        assert json.loads(user.run("bundle", "create", "kit", NEW, "--json").stdout)["data"]["fresh"] == []
        assert not goproxy.asked(path)

    def test_adds_to_a_kit(self, user: User, site: Site, real_toolchains: dict[str, Toolchain]) -> None:
        toolchains.serve_official(site, list(real_toolchains.values()))
        toolchains.serve_goproxy(site, list(real_toolchains.values()))
        user.env |= {
            "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/",
            "GVMPY_OFFICIAL_TRUSTED": "127.0.0.1",
            "GVMPY_MIRRORS": f"{site.base}/mirror/",
            "GOPROXY": f"{site.base}/proxy",
        }
        kit = user.home / "kit"
        assert user.run("bundle", "create", "kit", OLD, "--only", "archives").returncode == 0
        assert not (kit / "golang.org").exists()
        (kit / "gvmpy.lock").write_text("# for the farm\n" + (kit / "gvmpy.lock").read_text())
        changed = user.run("bundle", "verify", "kit")
        assert (changed.returncode, changed.stdout.splitlines()) == (
            1,
            [f"{kit}: not as it was made", "  gvmpy.lock: changed"],
        )
        assert user.run("bundle", "create", "kit", NEW, "--only", "modules").returncode == 0
        assert (kit / "gvmpy.lock").read_text().startswith("# for the farm\n")
        assert (kit / archive(OLD)).exists()
        assert not (kit / archive(NEW)).exists()
        index = json.loads((kit / "index.json").read_text())
        assert [release["version"] for release in index] == [f"go{OLD}"]
        verified = user.run("bundle", "verify", "kit")
        assert verified.stdout.splitlines() == [f"go{OLD}.{host()}: proven", f"go{NEW}.{host()}: proven"]

    def test_only_into_a_kit(self, user: User) -> None:
        (user.home / "other").mkdir()
        (user.home / "other" / "thesis.txt").write_text("x")
        for name, words in (
            ("other", "is not empty, and not a kit"),
            ("other/thesis.txt", "not a directory"),
        ):
            result = user.run("bundle", "create", name, NEW, GVMPY_OFFLINE="1")
            assert result.returncode == 2
            assert words in result.stderr

    def test_not_through_a_link_out_of_it(self, user: User, kit: Path) -> None:
        """A kit from elsewhere might lead to files that are not its own."""
        precious = user.home / "precious"
        shutil.move(kit / "sumdb" / toolchains.SUMDB, precious)
        (precious / "thesis.txt").write_text("x")
        (kit / "sumdb" / toolchains.SUMDB).symlink_to(precious)
        for arguments, code in ((("create", str(kit), NEW), 2), (("install", str(kit), NEW), 5)):
            assert user.run("bundle", *arguments, GVMPY_OFFLINE="1").returncode == code
        assert (precious / "thesis.txt").exists()

    def test_wrong_bytes_do_not_get_in(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        goproxy.file(f"/proxy/{module(NEW)}", real_toolchains[OLD].zip)
        result = user.run("bundle", "create", "kit", NEW)
        assert result.returncode == 5
        assert not list((user.home / "kit").rglob("*.zip"))
        assert not (user.home / "kit" / "SHA256SUMS").exists()


class TestInstall:
    def test_with_the_network_cut(self, user: User, kit: Path) -> None:
        """The kit is on a medium that cannot be written; the proofs are the database's own."""
        result = cut_off(user, "bundle", "install", str(kit))
        assert result.returncode == 0, result.stderr
        lines = result.stdout.splitlines()
        assert len(lines) == 2
        assert all(
            f"installed go{version} from kit, proven by {toolchains.SUMDB} (record" in line
            for version, line in zip((OLD, NEW), lines, strict=True)
        )
        written = receipt(user, NEW)
        assert written["trust"] == "transparency-log"
        assert written["url"] == (kit / module(NEW)).as_uri()
        evidence = written["evidence"]
        assert isinstance(evidence, dict)
        assert evidence["consistency"] == "proven"
        assert user.run("verify").returncode == 0
        assert subprocess.check_output(
            [user.root / "versions" / f"go{NEW}" / "bin" / "go", "version"],
            text=True,
            env={"HOME": str(user.home), "GOTOOLCHAIN": "local"},
        ).startswith(f"go version go{NEW} ")
        again = cut_off(user, "bundle", "install", str(kit), NEW)
        assert again.stdout == f"go{NEW} is already installed (transparency-log, from kit)\n"

    def test_an_archive_is_as_good_as_the_lock(self, user: User, kit: Path) -> None:
        shutil.rmtree(kit / "golang.org")
        lines = (kit / "SHA256SUMS").read_text().splitlines(keepends=True)
        replace_file(
            kit / "SHA256SUMS",
            "".join(line for line in lines if "golang.org/toolchain/@v" not in line).encode(),
        )
        flipped = kit / archive(OLD)
        flip(flipped)
        refused = cut_off(user, "bundle", "install", str(kit), OLD)
        assert refused.returncode == 5
        assert "is not the go1.21.6 it must be" in refused.stderr
        result = cut_off(user, "bundle", "install", str(kit), NEW)
        assert result.returncode == 0, result.stderr
        assert receipt(user, NEW)["trust"] == "pinned"
        assert receipt(user, NEW)["source"] == "kit"
        assert user.installed() == [f"go{NEW}"]

    @pytest.mark.parametrize(
        "name",
        [
            "gvmpy.lock",
            "index.json",
            "SHA256SUMS",
            f"{MODULE}/@v/list",
            f"sumdb/{toolchains.SUMDB}/latest",
            f"sumdb/{toolchains.SUMDB}/lookup/{MODULE}@v0.0.1-go{NEW}.{host()}",
            "tile",
        ],
    )
    def test_one_flipped_byte(self, user: User, kit: Path, name: str) -> None:
        path = next(kit.rglob("tile/8/0/**/[0-9]*[0-9]")) if name == "tile" else kit / name
        flip(path)
        result = cut_off(user, "bundle", "install", str(kit), NEW)
        assert result.returncode == 5
        assert not user.installed()
        assert not user.leavings()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("zip", "has a wrong CRC-32"),
            ("tile", "tile"),
            ("record", "is not what the signed tree of"),
            ("index", "does not say what"),
            ("lock", "locks another h1 of go1.22.3"),
            ("missing tile", "does not prove"),
        ],
    )
    def test_one_flipped_byte_and_the_sums_made_to_fit(
        self, user: User, kit: Path, name: str, words: str
    ) -> None:
        """What refuses here is the proof itself."""
        TAMPERING[name](kit)
        sum_anew(kit)
        result = cut_off(user, "bundle", "install", str(kit), NEW)
        assert result.returncode == 5, result.stderr
        assert words in result.stderr
        assert not user.installed()
        assert not user.leavings()

    def test_the_projects_own_lock_has_to_agree(self, user: User, kit: Path) -> None:
        lock = user.home / "gvmpy.lock"
        shutil.copyfile(kit / "gvmpy.lock", lock)
        change(lock, b'h1 = "h1:Lq', b'h1 = "h1:Lr')
        result = user.run("bundle", "install", str(kit), NEW, "--lock", "gvmpy.lock")
        assert result.returncode == 5
        assert f"is not what `{lock}` locks" in result.stderr
        lock.write_text("schema = 1\n")
        result = user.run("bundle", "install", str(kit), NEW, "--lock", "gvmpy.lock")
        assert result.returncode == 5
        assert f"`{lock}` does not lock go{NEW}" in result.stderr

    def test_what_is_not_in_it(self, user: User, kit: Path) -> None:
        result = user.run("bundle", "install", str(kit), "1.25.5")
        assert result.returncode == 3
        assert f"`{kit}` has no go1.25.5 for {host()}" in result.stderr
        nothing = user.run("bundle", "install", "none")
        assert nothing.returncode == 2
        assert f"there is no kit `{user.home}/none`" in nothing.stderr


@contextlib.contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serve `directory` by a web server that knows nothing of Go or gvmpy."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    server = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        match = _PORT.search(server.stdout.readline())
        assert match is not None
        yield f"http://127.0.0.1:{match[1]}"
    finally:
        server.kill()
        server.communicate()


class TestServed:
    def test_as_mirror_and_as_goproxy(self, user: User, whole: Path) -> None:
        with served(whole) as base:
            mirror = {"GVMPY_OFFICIAL_INDEX": f"{base}/index.json", "GVMPY_MIRRORS": f"{base}/"}
            result = user.run("install", "1.21", GVMPY_SOURCES="official", **mirror)
            assert result.returncode == 0, result.stderr
            # Whoever serves the kit serves its index, too: that is nobody's word but theirs.
            assert receipt(user, OLD)["trust"] == "third-party"
            assert receipt(user, OLD)["url"] == f"{base}/{archive(OLD)}"
            result = user.run("install", "1.22", GVMPY_SOURCES="goproxy", GOPROXY=base)
            assert result.returncode == 0, result.stderr
            assert receipt(user, NEW)["trust"] == "transparency-log"
            assert receipt(user, NEW)["url"] == f"{base}/{module(NEW)}"
            self._serves_the_go_command(user, base)

    def test_as_a_directory_without_a_server(self, user: User, whole: Path) -> None:
        result = cut_off(user, "lock", NEW, GVMPY_SOURCES="goproxy", GOPROXY=whole.as_uri())
        assert result.returncode == 0, result.stderr
        assert 'h1-from = "sum.golang.org"' in (user.home / "gvmpy.lock").read_text()

    def _serves_the_go_command(self, user: User, base: str) -> None:
        """The real go fetches a toolchain from it, and asks its checksum database, nobody else's."""
        go = user.root / "versions" / f"go{OLD}" / "bin" / "go"
        env = {"HOME": str(user.home), "PATH": "/usr/bin:/bin", "GOPROXY": base, "GOTOOLCHAIN": f"go{NEW}"}
        env |= {"GOFLAGS": "-modcacherw", "HTTPS_PROXY": "http://127.0.0.1:9"}
        answer = subprocess.run([go, "version"], env=env, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.startswith(f"go version go{NEW} ")
        assert "downloading go1.22.3" in answer.stderr


def test_the_kit_of_a_forger_serves_nobody(user: User, kit: Path) -> None:
    """A record that was changed in a served kit: refused."""
    change(next(kit.glob(f"sumdb/*/lookup/{MODULE}@*go{NEW}*")), b" h1:Lq", b" h1:Lr")
    with served(kit) as base:
        result = user.run("install", NEW, GVMPY_SOURCES="goproxy", GOPROXY=base)
    assert result.returncode == 5
    assert "is not what the signed tree of" in result.stderr
