"""`gvmpy install` of archives that somebody already has, and of what a lock file pins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gvmpy.cli.install_cmd import command
from gvmpy.errors import UsageError
from gvmpy.platform import Platform, host
from gvmpy.releases.local import LocalArchives, Proof, find_files
from gvmpy.releases.sources.goproxy import MODULE
from gvmpy.trust import lockedit
from gvmpy.trust.lockfile import LockedArtifact, archive_name
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.releases.local import LocalFile
    from tests.conftest import User
    from tests.support.loopback import Site
    from tests.support.toolchains import Toolchain

OLD, VERSION = "1.21.6", "1.22.3"
H1 = {
    VERSION: "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM=",
    OLD: "h1:Wae1SWjDFiYkC/fPDK/yIdHQfkG+cPDQdt/pItHR/0g=",
}
"""Of the module zips for linux-amd64, as sum.golang.org has them on record."""


@pytest.fixture
def archive(real_toolchains: dict[str, Toolchain]) -> Path:
    return real_toolchains[VERSION].archive


@pytest.fixture
def digest(real_toolchains: dict[str, Toolchain]) -> str:
    return real_toolchains[VERSION].archive_sha256


@pytest.fixture
def nowhere(user: User) -> User:
    """Somebody whose every source is out of reach: a port that nobody listens on."""
    user.env |= {
        "GVMPY_OFFICIAL_INDEX": "http://127.0.0.1:9/dl/",
        "GVMPY_MIRRORS": "http://127.0.0.1:9/",
        "GOPROXY": "http://127.0.0.1:9",
    }
    return user


def write_lock(path: Path, *entries: tuple[str, str, str], platform: Platform | None = None) -> Path:
    """Lock each (version, sha256, h1)."""
    machine = platform or host()
    artifacts = []
    for text, sha256, h1 in entries:
        version = GoVersion.parse(text)
        artifacts.append(LockedArtifact(version, machine, archive_name(version, machine), sha256, None, h1))
    lockedit.save(path, tuple(artifacts))
    return path


def receipt(user: User, version: str = VERSION) -> dict[str, object]:
    loaded = json.loads((user.root / "receipts" / f"go{version}.json").read_text())
    assert isinstance(loaded, dict)
    return loaded


def state(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode


class TestArchive:
    def test_with_a_digest(self, nowhere: User, archive: Path, digest: str) -> None:
        before = state(archive)
        result = nowhere.run("install", str(archive), "--sha256", digest.upper())
        assert result.returncode == 0, result.stderr
        assert (
            result.stdout == f"installed go{VERSION} from archive, proven by the SHA-256 that --sha256 pins\n"
        )
        written = receipt(nowhere)
        assert written["trust"] == "pinned"
        assert written["source"] == "archive"
        assert written["url"] == archive.as_uri()
        assert written["archive_sha256"] == digest
        assert written["evidence"] == {"lock": "--sha256", "sha256": digest}
        assert state(archive) == before
        assert nowhere.run("verify").returncode == 0
        self._stands_only_for_itself(nowhere, archive, digest)

    def _stands_only_for_itself(self, user: User, archive: Path, digest: str) -> None:
        again = user.run("install", str(archive), "--sha256", digest)
        assert (again.returncode, again.stdout) == (
            0,
            f"go{VERSION} is already installed (pinned, from archive)\n",
        )
        other = user.run("install", VERSION, "--sha256", "f" * 64)
        assert other.returncode == 5
        assert "is not the one that `--sha256` pins" in other.stderr

    def test_without_any_proof_is_refused(self, nowhere: User, archive: Path) -> None:
        (nowhere.home / archive.name).symlink_to(archive)
        result = nowhere.run("install", f"./{archive.name}")
        assert result.returncode == 5
        assert result.stderr == (
            f"error: nothing proves `{archive.name}`; nothing was installed\n"
            f"hint: gvmpy install ./{archive.name} --sha256 HEX, with the digest at https://go.dev/dl/, "
            f"or --lock FILE, or put its signature `{archive.name}.asc` beside it\n"
        )
        assert not nowhere.installed()

    def test_a_lock_beside_it_is_no_proof(
        self, nowhere: User, archive: Path, digest: str, tmp_path: Path
    ) -> None:
        """Whoever made the archive could have made that, too; one that is named counts, or from here up."""
        (tmp_path / archive.name).symlink_to(archive)
        lock = write_lock(tmp_path / "gvmpy.lock", (VERSION, digest, ""))
        refused = nowhere.run("install", str(tmp_path / archive.name))
        assert refused.returncode == 5
        named = nowhere.run("install", str(tmp_path / archive.name), "--lock", str(lock))
        assert named.returncode == 0, named.stderr
        assert receipt(nowhere)["evidence"] == {"lock": str(lock), "sha256": digest}

    def test_one_flipped_byte(self, nowhere: User, archive: Path, digest: str) -> None:
        copy = nowhere.home / archive.name
        body = bytearray(archive.read_bytes())
        body[len(body) // 2] ^= 1
        copy.write_bytes(body)
        result = nowhere.run("install", archive.name, "--sha256", digest)
        assert result.returncode == 5
        assert f"expected sha256 {digest}" in result.stderr
        assert not nowhere.installed()
        assert not nowhere.leavings()
        assert copy.read_bytes() == body

    def test_the_name_is_not_believed(self, nowhere: User, archive: Path, digest: str) -> None:
        """The right digest, and another version inside than the name says."""
        other = nowhere.home / archive.name.replace(VERSION, "1.22.4")
        other.symlink_to(archive)
        result = nowhere.run("install", f"./{other.name}", "--sha256", digest)
        assert result.returncode == 5
        assert "says it is 'go1.22.3', not go1.22.4" in result.stderr
        assert not nowhere.installed()

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("go.tar.gz", "does not say which Go it is"),
            ("go1.22.linux-amd64.tar.gz", "does not say which Go it is"),
            ("go1.22.3.linux-arm.tar.gz", "does not say which Go it is"),
            ("go1.22.3.tar.gz", "does not say which Go it is"),
            ("go01.22.3.linux-amd64.tar.gz", "does not say which Go it is"),
            ("go1.22.3.plan9-386.tar.gz", "is for plan9-386, and this machine is"),
            ("none.tar.gz", "there is no file"),
        ],
    )
    def test_names_that_say_something_else(self, tmp_path: Path, name: str, words: str) -> None:
        if not name.startswith("none"):
            (tmp_path / name).write_bytes(b"x")
        with pytest.raises(UsageError) as caught:
            find_files([tmp_path / name], host())
        assert words in caught.value.message

    def test_a_pipe_is_not_waited_for(self, nowhere: User, archive: Path) -> None:
        os.mkfifo(nowhere.home / archive.name)
        result = nowhere.run("install", f"./{archive.name}", "--sha256", "0" * 64)
        assert result.returncode == 2
        assert "is not a regular file" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("x.tar.gz", "--sha256", "0" * 64, "--locked"), "not from both"),
            (("1.22.3", "--sha256", "0" * 63), "64 digits"),
            (("1.22", "--sha256", "0" * 64), "one exact version"),
            (("1.22.3", "1.21.6", "--sha256", "0" * 64), "one exact version"),
            ((), "missing argument"),
            (("--lock", "/none"), "there is no lock file `/none`"),
            (("--locked",), "there is no `gvmpy.lock` here or above"),
        ],
    )
    def test_what_does_not_go_together(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], words: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError) as caught:
            command.main([*arguments], standalone_mode=False)
        assert words in caught.value.message

    def test_a_minimum_refuses_what_is_only_pinned(self, nowhere: User, archive: Path, digest: str) -> None:
        result = nowhere.run("install", str(archive), "--sha256", digest, GVMPY_TRUST_MINIMUM="origin-sha256")
        assert result.returncode == 5
        assert "proves only `pinned`" in result.stderr

    def test_exchanged_while_it_is_installed(self, nowhere: User, archive: Path, digest: str) -> None:
        """The file is a link that is turned to other bytes of a right name after it was hashed."""
        good, bad = nowhere.home / "good", nowhere.home / "bad"
        good.symlink_to(archive)
        shutil.copyfile(archive, bad)
        with bad.open("r+b") as stream:
            stream.seek(-20000, os.SEEK_END)
            stream.write(b"\0" * 20)
        link = nowhere.home / archive.name
        link.symlink_to(good)
        process = nowhere.start("install", f"./{archive.name}", "--sha256", digest)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("unpacking"):
                break
        os.replace(bad, good)
        process.wait(60)
        # Either all was read before the exchange, or the exchange was noticed: never a tree of other bytes.
        if process.returncode == 0:
            assert nowhere.run("verify").returncode == 0
            assert receipt(nowhere)["archive_sha256"] == digest
        else:
            assert process.returncode == 5
            assert not nowhere.installed()


def test_a_prover_vouches_where_no_lock_does(tmp_path: Path) -> None:
    """The seam for signatures: asked for archives only, and only when no lock file has an answer."""
    path = tmp_path / archive_name(GoVersion.parse(VERSION), host())
    path.write_bytes(b"x")
    [file] = find_files([path], host())
    asked = []

    def prover(given: LocalFile) -> Proof | None:
        asked.append(given)
        return Proof("e" * 64, "signature", {"key": "k"}) if len(asked) > 1 else None

    source = LocalArchives([file], None, [prover, prover])
    artifact = source.artifact(file.version, file.platform)
    assert asked == [file, file]
    assert (artifact.digest.value, artifact.trust, artifact.evidence) == ("e" * 64, "signature", {"key": "k"})


class TestDirectory:
    def test_all_that_a_lock_proves(
        self, nowhere: User, real_toolchains: dict[str, Toolchain], tmp_path: Path
    ) -> None:
        """An archive and a module zip, among files that are neither."""
        old, new = real_toolchains[OLD], real_toolchains[VERSION]
        (tmp_path / old.archive.name).symlink_to(old.archive)
        (tmp_path / f"{new.module_version}.zip").symlink_to(new.zip)
        for name in ("README", "go1.25.5.plan9-386.tar.gz", "go1.tar.gz"):
            (tmp_path / name).write_text("x")
        lock = write_lock(tmp_path / "lock", (OLD, old.archive_sha256, ""), (VERSION, "", H1[VERSION]))
        result = nowhere.run("install", f"{tmp_path}/", "--lock", str(lock), "--json")
        assert result.returncode == 0, result.stdout
        versions = json.loads(result.stdout)["data"]["versions"]
        assert [(item["version"], item["trust"], item["source"]) for item in versions] == [
            (OLD, "pinned", "archive"),
            (VERSION, "pinned", "archive"),
        ]
        assert versions[1]["evidence"] == {
            "lock": str(lock),
            "h1": H1[VERSION],
            "module": f"{MODULE}@{new.module_version}",
        }

    def test_what_the_lock_does_not_have_is_refused(
        self, nowhere: User, archive: Path, tmp_path: Path
    ) -> None:
        (tmp_path / archive.name).symlink_to(archive)
        lock = write_lock(tmp_path / "lock", (OLD, "a" * 64, ""))
        result = nowhere.run("install", f"{tmp_path}/", "--lock", str(lock))
        assert result.returncode == 5
        assert f"`{lock}` does not lock go{VERSION} for {host()}; nothing was installed" in result.stderr
        assert f"hint: gvmpy lock {VERSION} --platform {host()}" in result.stderr

    def test_a_lock_of_the_other_kind_of_file_proves_nothing(
        self, nowhere: User, archive: Path, tmp_path: Path
    ) -> None:
        lock = write_lock(tmp_path / "lock", (VERSION, "", H1[VERSION]))
        result = nowhere.run("install", str(archive), "--lock", str(lock))
        assert result.returncode == 5
        assert f"knows go{VERSION} only as the other kind of file" in result.stderr

    def test_versions_choose_among_the_files(self, nowhere: User, archive: Path, tmp_path: Path) -> None:
        (tmp_path / archive.name).symlink_to(archive)
        lock = write_lock(tmp_path / "lock", (OLD, "a" * 64, ""))
        result = nowhere.run("install", f"{tmp_path}/", OLD, "--lock", str(lock))
        assert result.returncode == 3
        assert f"no file given is go{OLD}" in result.stderr

    def test_an_empty_one(self, nowhere: User, tmp_path: Path) -> None:
        result = nowhere.run("install", f"{tmp_path}/", "--sha256", "0" * 64)
        assert result.returncode == 2
        assert f"there is no Go archive for {host()} in `{tmp_path}`" in result.stderr


class TestLocked:
    def test_bytes_from_a_mirror_that_is_not_trusted(
        self, user: User, official: Site, real_toolchains: dict[str, Toolchain], digest: str
    ) -> None:
        """The index lies, and is not even asked; the first mirror lies, and is passed over."""
        name = real_toolchains[VERSION].archive.name
        official.body("/dl/", b"[]")
        official.body(f"/liar/{name}", b"\x1f\x8b" + bytes(1000), "application/gzip")
        lock = write_lock(user.home / "gvmpy.lock", (VERSION, digest, ""))
        mirrors = f"{official.base}/liar/,{official.base}/mirror/"
        result = user.run("install", "--locked", GVMPY_MIRRORS=mirrors)
        assert result.returncode == 0, result.stderr
        assert (
            result.stdout == f"installed go{VERSION} from official, proven by the SHA-256 that {lock} pins\n"
        )
        assert receipt(user)["trust"] == "pinned"
        assert receipt(user)["url"] == f"{official.base}/mirror/{name}"
        assert not official.asked("/dl/")
        assert user.run("lock", "--check").returncode == 0
        self._refuses_another_lock(user)

    def _refuses_another_lock(self, user: User) -> None:
        write_lock(user.home / "other.lock", (VERSION, "c" * 64, ""))
        result = user.run("install", "--lock", "other.lock")
        assert result.returncode == 5
        assert "is not the one that" in result.stderr
        checked = user.run("lock", "--check", "--lock", "other.lock")
        assert (checked.returncode, checked.stdout) == (
            1,
            f"go{VERSION}: installed, and not what is locked\n",
        )

    def test_bytes_from_a_directory_as_proxy_without_its_database(
        self, nowhere: User, real_toolchains: dict[str, Toolchain], tmp_path: Path
    ) -> None:
        toolchain = real_toolchains[VERSION]
        place = tmp_path / MODULE / "@v"
        place.mkdir(parents=True)
        (place / f"{toolchain.module_version}.zip").symlink_to(toolchain.zip)
        (place / f"{toolchain.module_version}.info").write_text(
            json.dumps({"Version": toolchain.module_version})
        )
        proxy = {"GOPROXY": tmp_path.as_uri(), "GVMPY_SOURCES": "goproxy"}
        told = nowhere.run("install", VERSION, **proxy, GOSUMDB="sum.golang.org http://127.0.0.1:9")
        assert told.returncode == 4
        assert "a directory as GOPROXY has to be proven, too" in told.stderr
        assert "gvmpy install --locked" in told.stderr
        write_lock(nowhere.home / "gvmpy.lock", (VERSION, "", H1[VERSION]))
        result = nowhere.run("install", "--locked", **proxy)
        assert result.returncode == 0, result.stderr
        assert receipt(nowhere)["trust"] == "pinned"
        assert receipt(nowhere)["source"] == "goproxy"

    def test_a_prefix_means_the_newest_locked(self, nowhere: User, digest: str) -> None:
        write_lock(nowhere.home / "gvmpy.lock", (VERSION, digest, ""), (OLD, digest, ""))
        result = nowhere.run("install", "--locked", "--offline", "1.21")
        assert result.returncode == 4
        assert f"go{OLD} for {host()}" in result.stderr

    def test_refuses_anything_else(self, nowhere: User, digest: str) -> None:
        lock = write_lock(nowhere.home / "gvmpy.lock", (VERSION, digest, ""))
        result = nowhere.run("install", "--locked", OLD)
        assert result.returncode == 5
        assert result.stderr == (
            f"error: `{lock}` does not lock go{OLD} for {host()}; nothing was installed\n"
            f"hint: gvmpy lock {OLD} --platform {host()}\n"
        )

    def test_what_is_pinned_has_to_be_locked(self, nowhere: User, digest: str) -> None:
        lock = write_lock(nowhere.home / "gvmpy.lock", (VERSION, digest, ""))
        pin = nowhere.home / ".go-version"
        pin.write_text(f"{OLD}\n")
        result = nowhere.run("install", "--locked")
        assert result.returncode == 5
        assert result.stderr == (
            f"error: `{pin}` line 1 asks for {OLD}, which `{lock}` does not lock for {host()}\n"
            f"hint: gvmpy lock {OLD}\n"
        )
        pin.write_text("1.22\n")
        assert nowhere.run("install", "--locked").returncode == 4

    def test_nothing_for_this_machine(self, nowhere: User, digest: str) -> None:
        write_lock(nowhere.home / "gvmpy.lock", (VERSION, digest, ""), platform=Platform("plan9", "386"))
        result = nowhere.run("install", "--locked")
        assert result.returncode == 5
        assert f"locks nothing for {host()}" in result.stderr

    def test_a_hostile_lock_has_a_line(self, nowhere: User, digest: str) -> None:
        lock = write_lock(nowhere.home / "gvmpy.lock", (VERSION, digest, ""))
        lock.write_text(lock.read_text().replace("go1.22.3.linux-amd64.tar.gz", "../x"))
        result = nowhere.run("install", "--locked")
        assert result.returncode == 2
        assert f"`{lock}` line 4: `filename` must be" in result.stderr


class TestOffline:
    def test_says_what_to_bring(self, user: User) -> None:
        result = user.run("install", "--offline", VERSION)
        name = archive_name(GoVersion.parse(VERSION), host())
        assert result.returncode == 4
        lines = result.stderr.splitlines()
        assert f"  needed: https://dl.google.com/go/{name}" in lines
        assert "  sha256: not known here; it stands at https://go.dev/dl/" in lines
        assert f"  put it at: {user.home / name}" in lines
        assert lines[-1] == f"hint: gvmpy install ./{name} --sha256 HEX"

    def test_the_hint_works_as_it_stands(self, user: User, archive: Path, digest: str) -> None:
        """A lock file knows the digest; with the file in its place, the command told is the right one."""
        lock = write_lock(user.home / "gvmpy.lock", (VERSION, digest, ""))
        result = user.run("install", "--offline", VERSION)
        lines = [line.strip() for line in result.stderr.splitlines()]
        assert f"sha256: {digest}" in lines
        [place] = [line.removeprefix("put it at: ") for line in lines if line.startswith("put it at: ")]
        os.symlink(archive, place)
        words = lines[-1].removeprefix("hint: gvmpy ").split()
        assert words == ["install", f"./{archive.name}", "--lock", str(lock)]
        done = user.run(*words, "--offline")
        assert done.returncode == 0, done.stderr

    def test_a_module_zip_where_that_is_what_is_locked(self, user: User) -> None:
        lock = write_lock(user.home / "gvmpy.lock", (VERSION, "", H1[VERSION]))
        result = user.run("install", "--offline", VERSION, GOPROXY="off")
        name = f"v0.0.1-go{VERSION}.{host()}.zip"
        assert f"needed: https://go.dev/dl/mod/{MODULE}/@v/{name}" in result.stderr
        assert H1[VERSION] in result.stderr
        assert f"hint: gvmpy install ./{name} --lock {lock}" in result.stderr

    def test_the_newest_is_not_known(self, user: User) -> None:
        result = user.run("install", "--offline", "latest")
        assert result.returncode == 4
        assert "hint: name exact versions" in result.stderr

    def test_opens_no_socket(self, user: User) -> None:
        """Every socket the program and its children open, by the kernel's word."""
        trace = user.home / "trace"
        strace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
        finished = subprocess.run(
            [*strace, *user.command("install", "--offline", VERSION, "latest")],
            env=user.env,
            cwd=user.home,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert finished.returncode == 4
        assert trace.exists()
        assert "AF_INET" not in trace.read_text()
        online = subprocess.run(
            [*strace, *user.command("install", VERSION)],
            env=user.env | {"GVMPY_OFFICIAL_INDEX": "http://127.0.0.1:9/", "GVMPY_SOURCES": "official"},
            cwd=user.home,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert online.returncode == 4
        assert "AF_INET" in trace.read_text()  # so the watch does see what it is for
