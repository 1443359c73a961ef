"""`gvmpy install` as users run it, against an official origin and a GOPROXY on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from gvmpy.releases.sources.goproxy import MODULE
from tests.support.toolchains import index_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

VERSION = "1.22.3"
T = TypeVar("T")


def archive_path(toolchains: dict[str, Toolchain]) -> str:
    return f"/mirror/{toolchains[VERSION].archive.name}"


def nothing_installed(user: User) -> bool:
    return (
        not user.installed()
        and not user.leavings()
        and not (user.root / "versions" / f"go{VERSION}").exists()
    )


def receipt(user: User, version: str = VERSION) -> dict[str, object]:
    loaded = json.loads((user.root / "receipts" / f"go{version}.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


class TestOfficial:
    def test_installs_and_says_what_proved_it(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        assert (
            result.stdout
            == f"installed go{VERSION} from official, proven by the SHA-256 of {official.base}/dl/?…\n"
        )
        written = receipt(user)
        toolchain = real_toolchains[VERSION]
        assert written["archive_sha256"] == toolchain.archive_sha256
        assert written["archive_size"] == toolchain.archive.stat().st_size
        assert written["trust"] == "origin-sha256"
        assert written["source"] == "official"
        assert written["url"] == f"{official.base}/mirror/{toolchain.archive.name}"
        goroot = user.root / "versions" / f"go{VERSION}"
        files = [path for path in goroot.rglob("*") if path.is_file()]
        assert written["file_count"] == len(files) > 9000
        assert not [path for path in goroot.rglob("*") if path.is_symlink()]
        answer = subprocess.check_output(
            [goroot / "bin" / "go", "version"], text=True, env={"HOME": str(user.home)}
        )
        assert answer.startswith(f"go version go{VERSION} ")
        assert not user.leavings()
        assert not list((user.cache / "partial").iterdir())

    def test_root_is_private(self, user: User, official: Site) -> None:
        assert user.run("install", VERSION).returncode == 0
        assert user.root.stat().st_mode & 0o777 == 0o700
        assert (user.root / "receipts" / f"go{VERSION}.json").stat().st_mode & 0o777 == 0o600

    def test_twice_is_once(self, user: User, official: Site, real_toolchains: dict[str, Toolchain]) -> None:
        assert user.run("install", VERSION).returncode == 0
        again = user.run("install", VERSION)
        assert (again.returncode, again.stdout) == (
            0,
            f"go{VERSION} is already installed (origin-sha256, from official)\n",
        )
        assert len(official.asked(archive_path(real_toolchains))) == 1

    def test_prefix_and_channels_mean_the_newest_listed(self, user: User, official: Site) -> None:
        result = user.run("install", "1.22", "latest", "--json")
        assert result.returncode == 0, result.stderr
        versions = [entry["version"] for entry in json.loads(result.stdout)["data"]["versions"]]
        assert versions == ["1.22.3", "1.25.5"]

    def test_wrong_digest_is_refused(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        index = index_of(list(real_toolchains.values()))
        forged = index.replace(real_toolchains[VERSION].archive_sha256.encode(), b"f" * 64)
        official.body("/dl/", forged)
        result = user.run("install", VERSION)
        assert result.returncode == 5
        assert f"expected sha256 {'f' * 64}" in result.stderr
        assert real_toolchains[VERSION].archive_sha256 in result.stderr
        assert nothing_installed(user)

    def test_empty_digest_is_refused_before_a_byte_is_fetched(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        index = index_of(list(real_toolchains.values()))
        official.body("/dl/", index.replace(real_toolchains[VERSION].archive_sha256.encode(), b""))
        result = user.run("install", VERSION)
        assert result.returncode == 5
        assert "has no digest for" in result.stderr
        assert not official.asked(archive_path(real_toolchains))
        assert nothing_installed(user)

    def test_one_flipped_byte_is_refused(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        body = bytearray(real_toolchains[VERSION].archive.read_bytes())
        body[len(body) // 2] ^= 1
        official.body(archive_path(real_toolchains), bytes(body), "application/gzip")
        official.paths["/dl/" + real_toolchains[VERSION].archive.name] = official.paths[
            archive_path(real_toolchains)
        ]
        result = user.run("install", VERSION)
        assert result.returncode == 5, result.stderr
        assert nothing_installed(user)
        assert not list((user.cache / "partial").iterdir())


def truncated(request: Request, archive: Path) -> None:
    size = archive.stat().st_size
    request.send_response(200)
    request.send_header("Content-Length", str(size))
    request.end_headers()
    request.wfile.write(archive.read_bytes()[: size // 3])
    request.hang_up()


def longer_than_announced(request: Request, archive: Path) -> None:
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    request.wfile.write(archive.read_bytes() + b"more")
    request.hang_up()


def wrong_length(request: Request, archive: Path) -> None:
    request.answer(200, archive.read_bytes() + b"more")


def web_page(request: Request, archive: Path) -> None:
    request.answer(200, b"<html>please log in</html>", Content_Type="text/html; charset=utf-8")


def disguised_page(request: Request, archive: Path) -> None:
    body = b"<html>" + b" " * (archive.stat().st_size - 6)
    request.answer(200, body, Content_Type="application/octet-stream")


def to_plain_http(request: Request, archive: Path) -> None:
    request.answer(302, Location="http://mirror.example/go.tar.gz")


def status(code: int) -> Callable[[Request, Path], None]:
    def answer(request: Request, archive: Path) -> None:
        request.answer(code, b"no")

    answer.__name__ = f"status_{code}"
    return answer


class TestFaults:
    """Each fault on the one mirror and on the origin itself: refused, named, nothing left."""

    @pytest.mark.parametrize(
        ("fault", "code", "words"),
        [
            (longer_than_announced, 5, "sent more than the"),
            (wrong_length, 5, "announces"),
            (web_page, 4, "answered with a web page"),
            (disguised_page, 4, "something other than an archive"),
            (to_plain_http, 4, "is not https"),
            (status(404), 3, "answered 404"),
            (status(403), 4, "answered 403"),
        ],
    )
    def test_lasting(
        self,
        user: User,
        official: Site,
        real_toolchains: dict[str, Toolchain],
        fault: Callable[[Request, Path], None],
        code: int,
        words: str,
    ) -> None:
        archive = real_toolchains[VERSION].archive
        for path in (archive_path(real_toolchains), f"/dl/{archive.name}"):
            official.paths[path] = lambda request: fault(request, archive)
        result = user.run("install", VERSION)
        assert result.returncode == code, result.stderr
        assert words in result.stderr
        assert "Traceback" not in result.stderr
        assert nothing_installed(user)

    @pytest.mark.parametrize("fault", [status(500), status(503), truncated])
    def test_passing_is_tried_again(
        self,
        user: User,
        official: Site,
        real_toolchains: dict[str, Toolchain],
        fault: Callable[[Request, Path], None],
    ) -> None:
        archive, path = real_toolchains[VERSION].archive, archive_path(real_toolchains)
        official.faults[path] = [lambda request: fault(request, archive)]
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        asked = official.asked(path)
        assert len(asked) == 2
        if fault is truncated:
            assert asked[1]["Range"] == f"bytes={archive.stat().st_size // 3}-"

    def test_range_ignored(self, user: User, official: Site, real_toolchains: dict[str, Toolchain]) -> None:
        archive, path = real_toolchains[VERSION].archive, archive_path(real_toolchains)
        official.faults[path] = [lambda request: truncated(request, archive)]
        official.paths[path] = lambda request: request.send_file(archive, ranges=False)
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        assert "Range" in official.asked(path)[1]

    def test_bad_partial_is_thrown_away(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        """A partial that does not lead to the digest costs one more download, not the installation."""
        archive, path = real_toolchains[VERSION].archive, archive_path(real_toolchains)
        official.faults[path] = [lambda request: truncated(request, archive)] * 4
        official.paths[f"/dl/{archive.name}"] = official.paths[path]
        first = user.run("install", VERSION, GVMPY_MIRRORS=f"{official.base}/mirror/")
        assert first.returncode == 0, first.stderr
        assert user.run("uninstall", "--yes", VERSION).returncode == 0
        official.requests.clear()
        official.faults[path] = [lambda request: truncated(request, archive)] * 4
        official.paths[f"/dl/{archive.name}"] = lambda request: request.answer(404)
        assert user.run("install", VERSION).returncode == 4
        [partial] = (user.cache / "partial").iterdir()
        with partial.open("r+b") as stream:
            stream.seek(1000)
            stream.write(b"spoilt")
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr

    def test_whole_partial_is_not_fetched_again(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        """A module proxy tells no size beforehand: the server's word that there is no more has to do."""
        toolchain = real_toolchains[VERSION]
        path = f"/proxy/{MODULE}/@v/{toolchain.module_version}.zip"
        goproxy.faults[path] = [lambda request: truncated(request, toolchain.zip)] * 4
        assert user.run("install", VERSION).returncode == 4
        [partial] = (user.cache / "partial").iterdir()
        partial.write_bytes(toolchain.zip.read_bytes())
        goproxy.requests.clear()
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        assert len(goproxy.asked(path)) == 1

    def test_a_file_exchanged_after_it_was_verified(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        """What is unpacked must be what was hashed, whoever else can write to the cache."""
        archive, other = real_toolchains[VERSION].archive, real_toolchains["1.21.6"].archive

        def exchange(request: Request) -> None:
            body = archive.read_bytes()
            request.send_response(200)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body[: 8 << 20])
            [partial] = _wait_for(lambda: list((user.cache / "partial").glob("*.part")))
            shutil.copy(other, user.home / "other")
            os.replace(user.home / "other", partial)
            request.wfile.write(body[8 << 20 :])

        official.faults[archive_path(real_toolchains)] = [exchange]
        result = user.run("install", VERSION)
        assert result.returncode == 5, result.stderr
        assert "changed after it was verified" in result.stderr
        assert nothing_installed(user)

    def test_damage_is_not_swept_away(self, user: User, official: Site) -> None:
        """Only what has no receipt is a leaving; a broken installation is its owner's to look at."""
        assert user.run("install", "1.21.6").returncode == 0
        binary = user.root / "versions" / "go1.21.6" / "bin" / "go"
        binary.chmod(0o644)
        assert user.run("install", VERSION).returncode == 0
        assert binary.exists()

    def test_minimum_trust_holds_for_what_is_there(self, user: User, official: Site) -> None:
        assert user.run("install", VERSION).returncode == 0
        result = user.run("install", VERSION, GVMPY_TRUST_MINIMUM="transparency-log")
        assert result.returncode == 5
        assert "is installed, but proven only by `origin-sha256`" in result.stderr

    def test_no_source_serves(self, user: User, official: Site) -> None:
        user.env |= {"GVMPY_SOURCES": "official,goproxy", "GOPROXY": "off"}
        official.body("/dl/", b"[]")
        result = user.run("install", VERSION)
        assert result.returncode == 4
        assert "official: the index at" in result.stderr
        assert "goproxy: module downloads are disabled by GOPROXY=off" in result.stderr

    def test_unknown_version(self, user: User, official: Site) -> None:
        result = user.run("install", "1.22.99")
        assert result.returncode == 3
        assert "has no `go1.22.99." in result.stderr
        assert "hint: gvmpy list --remote" in result.stderr


class TestGoproxy:
    def test_proven_by_the_checksum_database(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        assert "proven by sum.golang.org (record " in result.stdout
        written = receipt(user)
        assert written["trust"] == "transparency-log"
        evidence = written["evidence"]
        assert isinstance(evidence, dict)
        assert evidence["module"] == f"{MODULE}@{real_toolchains[VERSION].module_version}"
        assert evidence["record"] < evidence["tree_size"]
        # Exact versions are never looked up in the list.
        assert not goproxy.asked(f"/proxy/{MODULE}/@v/list")

    def test_same_files_make_the_same_tree_whichever_way_they_come(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        from tests.support.toolchains import serve_official

        serve_official(goproxy, list(real_toolchains.values()))
        assert user.run("install", VERSION).returncode == 0
        by_module = receipt(user)["tree_h1"]
        assert user.run("uninstall", "--yes", VERSION).returncode == 0
        official = {
            "GVMPY_SOURCES": "official",
            "GVMPY_OFFICIAL_INDEX": f"{goproxy.base}/dl/",
            "GVMPY_MIRRORS": f"{goproxy.base}/mirror/",
        }
        assert user.run("install", VERSION, **official).returncode == 0
        assert receipt(user)["tree_h1"] == by_module

    @pytest.mark.parametrize("what", ["zip", "tile", "head", "record"])
    def test_one_flipped_byte(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain], what: str
    ) -> None:
        relay = goproxy.prefixes["/proxy/sumdb/"]
        zip_path = f"/proxy/{MODULE}/@v/{real_toolchains[VERSION].module_version}.zip"

        def spoil(request: Request) -> None:
            kind = "tile" if "/tile/" in request.path else "lookup" if "/lookup/" in request.path else ""
            if (what == "tile") != (kind == "tile") or not kind:
                relay(request)
                return
            honest = request.answer

            def answer(code: int, body: bytes = b"", **headers: str) -> None:
                honest(code, _flip(body, what), **headers)

            request.answer = answer  # type: ignore[method-assign,assignment]
            relay(request)

        if what == "zip":
            body = bytearray(real_toolchains[VERSION].zip.read_bytes())
            body[len(body) // 2] ^= 1
            goproxy.body(zip_path, bytes(body), "application/zip")
        else:
            goproxy.prefixes["/proxy/sumdb/"] = spoil
        result = user.run("install", VERSION)
        assert result.returncode == 5, result.stderr
        assert result.stderr.startswith("error: ") or "\nerror: " in result.stderr
        assert nothing_installed(user)
        if what != "zip":
            assert not goproxy.asked(zip_path)

    def test_record_for_another_version(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        relay = goproxy.prefixes["/proxy/sumdb/"]

        def swap(request: Request) -> None:
            request.path = request.path.replace("go1.22.3", "go1.21.6")
            relay(request)

        goproxy.prefixes["/proxy/sumdb/"] = swap
        result = user.run("install", VERSION)
        assert result.returncode == 5, result.stderr
        assert real_toolchains[VERSION].module_version in result.stderr
        assert nothing_installed(user)

    def test_file_tree_as_proxy(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain], fast_path: Path
    ) -> None:
        toolchain = real_toolchains[VERSION]
        tree = fast_path / "proxy" / MODULE / "@v"
        tree.mkdir(parents=True)
        (tree / f"{toolchain.module_version}.info").write_text(
            json.dumps({"Version": toolchain.module_version})
        )
        (tree / f"{toolchain.module_version}.zip").symlink_to(toolchain.zip)
        # A tree of files relays no database: the next proxy in the list does.
        result = user.run("install", VERSION, GOPROXY=f"file://{fast_path}/proxy,{goproxy.base}/proxy")
        assert result.returncode == 0, result.stderr
        assert receipt(user)["url"] == f"file://{tree}/{toolchain.module_version}.zip"
        assert toolchain.zip.exists()

    def test_fallback_rules(self, user: User, goproxy: Site) -> None:
        goproxy.prefixes["/broken/"] = lambda request: request.answer(403)
        comma = user.run("install", VERSION, GOPROXY=f"{goproxy.base}/broken,{goproxy.base}/proxy")
        assert comma.returncode == 3, comma.stderr
        assert "answered 403" in comma.stderr
        empty = user.run("install", VERSION, GOPROXY=f"{goproxy.base}/empty,{goproxy.base}/proxy")
        assert empty.returncode == 0, empty.stderr

    def test_pipe_passes_any_failure(self, user: User, goproxy: Site) -> None:
        goproxy.prefixes["/broken/"] = lambda request: request.answer(403)
        result = user.run("install", VERSION, GOPROXY=f"{goproxy.base}/broken|{goproxy.base}/proxy")
        assert result.returncode == 0, result.stderr

    @pytest.mark.parametrize("separator", [",", "|"])
    def test_fallback_holds_for_each_file(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain], separator: str
    ) -> None:
        """A proxy that has the `.info` need not have the zip: as for go, the next one is asked."""
        module_version = real_toolchains[VERSION].module_version
        goproxy.body(
            f"/partial/{MODULE}/@v/{module_version}.info", json.dumps({"Version": module_version}).encode()
        )
        proxies = f"{goproxy.base}/partial{separator}{goproxy.base}/proxy"
        result = user.run("install", VERSION, GOPROXY=proxies)
        assert result.returncode == 0, result.stderr
        assert receipt(user)["url"] == f"{goproxy.base}/proxy/{MODULE}/@v/{module_version}.zip"

    def test_comma_stops_at_a_failing_zip(
        self, user: User, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        module_version = real_toolchains[VERSION].module_version
        path = f"/partial/{MODULE}/@v/{module_version}"
        goproxy.body(f"{path}.info", json.dumps({"Version": module_version}).encode())
        goproxy.paths[f"{path}.zip"] = lambda request: request.answer(403)
        result = user.run("install", VERSION, GOPROXY=f"{goproxy.base}/partial,{goproxy.base}/proxy")
        assert result.returncode == 4, result.stderr
        assert nothing_installed(user)

    def test_wrong_credentials_are_no_missing_version(self, user: User, goproxy: Site) -> None:
        goproxy.prefixes["/locked/"] = lambda request: request.answer(401)
        result = user.run("install", VERSION, GOPROXY=f"{goproxy.base}/locked")
        assert result.returncode == 4, result.stderr
        assert "hint: check the user and password in GOPROXY" in result.stderr

    def test_minimum_trust(self, user: User, goproxy: Site) -> None:
        result = user.run("install", VERSION, GVMPY_TRUST_MINIMUM="signature")
        assert result.returncode == 5
        assert (
            "goproxy: proves only `transparency-log` where `trust.minimum` asks for `signature`"
            in result.stderr
        )


def _flip(body: bytes, what: str) -> bytes:
    if not body:
        return body
    spoilt = bytearray(body)
    if what == "record":
        spoilt[body.index(b"h1:") + 5] ^= 1
    elif what == "head":
        spoilt[body.index(b"go.sum database tree\n") + 40] ^= 1
    else:
        spoilt[-1] ^= 1
    return bytes(spoilt)


class TestInterruption:
    def test_ctrl_c_keeps_the_partial(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        archive, path = real_toolchains[VERSION].archive, archive_path(real_toolchains)
        released = threading.Event()

        def stall(request: Request) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(archive.stat().st_size))
            request.end_headers()
            request.wfile.write(archive.read_bytes()[: 8 << 20])
            request.wfile.flush()
            released.wait(100)

        official.faults[path] = [stall]
        process = user.start("install", VERSION)
        partial = _wait_for(
            lambda: [p for p in (user.cache / "partial").glob("*.part") if p.stat().st_size == 8 << 20]
        )
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=25)
        released.set()
        assert process.returncode == 130
        assert "Traceback" not in stderr
        assert nothing_installed(user)
        assert partial[0].stat().st_size == 8 << 20
        result = user.run("install", VERSION)
        assert result.returncode == 0, result.stderr
        assert official.asked(path)[1]["Range"] == f"bytes={8 << 20}-"

    def test_ctrl_c_while_unpacking(self, user: User, official: Site) -> None:
        """The staged tree goes, although a worker was writing into it."""
        process = user.start("install", VERSION)
        incoming = user.root / "versions" / ".incoming"
        _wait_for(lambda: list(incoming.glob(f"go{VERSION}.*/src")))
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=25)
        assert process.returncode == 130, stderr
        assert "Traceback" not in stderr
        assert nothing_installed(user)

    def test_ctrl_c_while_several_wait_for_a_silent_server(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        released = threading.Event()
        for toolchain in real_toolchains.values():
            path = f"/mirror/{toolchain.archive.name}"
            official.faults[path] = [lambda request: bool(released.wait(100))]
        process = user.start("install", "1.21.6", "1.22.3", "1.25.5")
        _wait_for(lambda: len([path for path, _ in official.requests if path.startswith("/mirror/")]) == 3)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=25)  # the client's own patience with the server is longer
        released.set()
        assert process.returncode == 130
        assert "Traceback" not in stderr
        assert not user.installed()
        assert not user.leavings()

    def test_two_at_once(self, user: User, official: Site, real_toolchains: dict[str, Toolchain]) -> None:
        processes = [user.start("install", VERSION) for _ in range(2)]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        assert sorted("already" in stdout for stdout, _ in outputs) == [False, True]
        assert sorted("waiting for another gvmpy" in stderr for _, stderr in outputs) == [False, True]
        assert len(official.asked(archive_path(real_toolchains))) == 1

    def test_several_versions_overlap(self, user: User, goproxy: Site) -> None:
        result = user.run("install", "1.21.6", "1.22.3", "1.25.5")
        assert result.returncode == 0, result.stderr
        assert user.installed() == ["go1.21.6", "go1.22.3", "go1.25.5"]

    def test_one_failing_does_not_stop_the_others(self, user: User, official: Site) -> None:
        result = user.run("install", "1.22.99", VERSION)
        assert result.returncode == 3
        assert user.installed() == [f"go{VERSION}"]


def _wait_for(condition: Callable[[], T]) -> T:
    for _ in range(600):
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


class TestRealNetwork:
    @pytest.mark.network
    def test_over_the_machines_own_goproxy(self, user: User) -> None:
        from tests.support.toolchains import real_goproxy

        result = user.run("install", "1.21.6", GVMPY_SOURCES="goproxy", GOPROXY=real_goproxy())
        assert result.returncode == 0, f"no GOPROXY is reachable from here:\n{result.stderr}"
        evidence = receipt(user, "1.21.6")["evidence"]
        assert isinstance(evidence, dict)
        if evidence["module"].endswith("linux-amd64"):
            assert evidence["h1"] == "h1:Wae1SWjDFiYkC/fPDK/yIdHQfkG+cPDQdt/pItHR/0g="
