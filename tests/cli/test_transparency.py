"""verify --transparency: a real tree against the real record of the public checksum database."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from gvmpy.platform import host
from tests.cli.conftest import NEW, OLD
from tests.cli.snapshot import snapshot
from tests.cli.test_verify import replace
from tests.support.realsumdb import serve_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import User
    from tests.support.loopback import Request, Site
    from tests.support.toolchains import Toolchain

MODULE = "golang.org/toolchain"
TEXTS = ("CONTRIBUTING.md", "LICENSE", "PATENTS", "README.md", "SECURITY.md", "codereview.cfg")
H1 = {
    "1.21.6": "h1:Wae1SWjDFiYkC/fPDK/yIdHQfkG+cPDQdt/pItHR/0g=",
    "1.22.3": "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM=",
}
"""What `go mod download -json` prints as Sum for linux-amd64."""


@pytest.fixture
def goroot(owner: User) -> Path:
    return owner.root / "versions" / f"go{OLD}"


def answer(user: User, *arguments: str, **env: str) -> tuple[int, dict[str, Any]]:
    result = user.run("verify", OLD, "--transparency", "--json", *arguments, **env)
    assert "Traceback" not in result.stderr
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.returncode
    return result.returncode, document


def proof(user: User, *arguments: str, **env: str) -> tuple[int, dict[str, Any]]:
    code, document = answer(user, *arguments, **env)
    [entry] = document["data"]["versions"]
    return code, entry


def zips(site: Site) -> int:
    return sum(path.endswith(".zip") for path, _ in site.requests)


class TestProven:
    def test_every_file_and_byte_without_a_zip(self, goproxy: Site, person: User) -> None:
        """These trees came out of archives; nothing but a few kilobytes of proof is fetched."""
        before = snapshot(person.root)
        result = person.run("verify", "--transparency")
        assert (result.returncode, result.stderr) == (0, "")
        assert goproxy.asked("/proxy/sumdb/sum.golang.org/supported")
        header, *rows = result.stdout.splitlines()
        assert header.split() == ["VERSION", "FILES", "BYTES", "ANSWER", "DATABASE"]
        assert [row.split()[0] for row in rows] == [f"go{OLD}", f"go{NEW}"]
        assert all(" proven  sum.golang.org, record " in row and row.count("(100.0 %)") == 2 for row in rows)
        assert zips(goproxy) == 0
        assert snapshot(person.root) == before

    def test_json(self, goproxy: Site, person: User) -> None:
        code, entry = proof(person)
        assert code == 0
        assert list(entry) == [
            *("version", "proven", "trust", "database", "record", "tree_size", "root", "h1", "compared_with"),
            *("files", "covered_files", "bytes", "covered_bytes"),
            *("differing", "missing", "added", "absent", "uncovered"),
        ]
        receipt = json.loads((person.root / "receipts" / f"go{OLD}.json").read_text())
        assert (entry["proven"], entry["trust"], entry["compared_with"]) == (True, "origin-sha256", "tree")
        assert entry["files"] == entry["covered_files"] == receipt["file_count"]
        assert entry["bytes"] == entry["covered_bytes"] > 100_000_000
        assert receipt["platform"] != "linux-amd64" or entry["h1"] == H1[OLD]

    def test_what_the_module_leaves_out_is_told_by_directory(
        self, owner: User, goroot: Path, goproxy: Site
    ) -> None:
        for name in ("api/go1.txt", "test/fixedbugs/a.go", "test/b.go", "notes.txt"):
            (goroot / name).parent.mkdir(parents=True, exist_ok=True)
            (goroot / name).write_text("12345")
        result = owner.run("verify", OLD, "--transparency")
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.splitlines()[2:] == [
            f"go{OLD}: not covered: at the top (1 file, 5 bytes)",
            f"go{OLD}: not covered: api/ (1 file, 5 bytes)",
            f"go{OLD}: not covered: test/ (2 files, 10 bytes)",
        ]
        assert "(100.0 %)" not in result.stdout
        assert zips(goproxy) == 0

    def test_texts_left_out_by_a_packer_need_no_zip(self, owner: User, goroot: Path, goproxy: Site) -> None:
        for name in TEXTS:
            (goroot / name).unlink()
        code, entry = proof(owner)
        assert (code, entry["compared_with"], entry["absent"]) == (0, "tree", sorted(TEXTS))
        assert zips(goproxy) == 0

    def test_a_second_time_without_a_network(self, goproxy: Site, person: User) -> None:
        assert proof(person)[0] == 0
        goproxy.requests.clear()
        assert proof(person, GVMPY_OFFLINE="1")[0] == 0
        assert goproxy.requests == []

    def test_without_a_network_the_first_time(self, goproxy: Site, person: User) -> None:
        code, document = answer(person, GVMPY_OFFLINE="1")
        assert (code, document["status"]) == (4, "error")
        assert document["data"] == {"versions": []}
        assert document["errors"][0]["message"].startswith(f"go{OLD}: offline: ")


class TestDiffers:
    def test_file_by_file_with_the_zip_and_then_without(
        self, owner: User, goroot: Path, goproxy: Site
    ) -> None:
        replace(goroot / "src/fmt/print.go", b"package fmt\n")
        (goroot / "src/go.mod").rename(goroot / "src/_go.mod")
        (goroot / "src/fmt/evil.go").write_text("package fmt\n")
        (goroot / "bin/gofmt").unlink()
        (goroot / "bin/gofmt").symlink_to("go")
        (goroot / "LICENSE").unlink()
        result = owner.run("verify", OLD, "--transparency")
        assert result.returncode == 1
        _, row, *lines = result.stdout.splitlines()
        assert "  DIFFERS  " in row
        assert lines == [
            f"go{OLD}: differs: bin/gofmt",
            f"go{OLD}: differs: src/fmt/print.go",
            f"go{OLD}: missing: src/go.mod",
            f"go{OLD}: added: src/_go.mod",
            f"go{OLD}: added: src/fmt/evil.go",
            f"go{OLD}: not in the tree: LICENSE",
        ]
        again = f"gvmpy uninstall --force --yes {OLD} && gvmpy install {OLD}"
        assert result.stderr.splitlines() == [
            f"fetching the module of go{OLD}, to compare file by file",
            f"hint: {again}",
        ]
        assert zips(goproxy) == 1
        assert not list((owner.cache / "partial").iterdir())
        code, entry = proof(owner, GVMPY_OFFLINE="1")
        assert (code, entry["proven"], entry["compared_with"]) == (1, False, "cache")
        assert entry["differing"] == ["bin/gofmt", "src/fmt/print.go"]
        self.spoil_cached_list(owner)
        assert answer(owner, GVMPY_OFFLINE="1")[0] == 4

    def spoil_cached_list(self, owner: User) -> None:
        """A list that was changed in the cache does not have the hash on record."""
        [kept] = (owner.cache / "toolchains").iterdir()
        text = kept.read_text()
        kept.write_text(text.replace(text[:64], "0" * 64, 1))

    def test_a_zip_that_is_not_the_one_on_record(
        self, owner: User, goroot: Path, goproxy: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        (goroot / "src/fmt/print.go").unlink()
        other = real_toolchains[OLD].zip.read_bytes()
        path = f"/proxy/{MODULE}/@v/{real_toolchains[OLD].module_version}.zip"
        goproxy.body(path, other[:1000] + b"\0" + other[1001:], "application/zip")
        code, document = answer(owner)
        assert (code, document["errors"][0]["kind"]) == (5, "integrity")
        assert not (owner.cache / "toolchains").exists()

    def test_no_zip_to_compare_with(self, owner: User, goroot: Path, goproxy: Site) -> None:
        (goroot / "src/fmt/print.go").unlink()
        for path in list(goproxy.paths):
            if path.endswith(".info"):
                del goproxy.paths[path]
        code, document = answer(owner)
        assert code == 3
        assert (
            "differs from what sum.golang.org has on record; to tell where"
            in document["errors"][0]["message"]
        )


class TestRaise:
    def test_the_receipt_tells_of_both_proofs(self, owner: User, goproxy: Site) -> None:
        file = owner.root / "receipts" / f"go{OLD}.json"
        before = json.loads(file.read_text())
        result = owner.run("verify", OLD, "--transparency", "--raise")
        assert result.returncode == 0
        assert result.stderr == f"go{OLD}: the receipt now says `transparency-log`\n"
        after = json.loads(file.read_text())
        assert (before["trust"], after["trust"]) == ("origin-sha256", "transparency-log")
        assert after["evidence"]["index"] == before["evidence"]["index"]
        assert after["evidence"]["proven_files"] == after["file_count"]
        unchanged = before.keys() - {"trust", "evidence"}
        assert {key: after[key] for key in unchanged} == {key: before[key] for key in unchanged}
        assert (owner.root / "state/sumdb/sum.golang.org/latest").exists()
        assert owner.run("verify", OLD).stdout.endswith("files as installed (transparency-log)\n")
        assert owner.run("install", OLD, GVMPY_TRUST_MINIMUM="transparency-log").returncode == 0

    def test_not_where_a_file_differs(self, owner: User, goroot: Path, goproxy: Site) -> None:
        file = owner.root / "receipts" / f"go{OLD}.json"
        before = file.read_bytes()
        (goroot / "src/fmt/evil.go").write_text("package fmt\n")
        assert owner.run("verify", OLD, "--transparency", "--raise").returncode == 1
        assert file.read_bytes() == before

    def test_not_where_the_receipt_is_of_another_tree(self, owner: User, goroot: Path, goproxy: Site) -> None:
        """Proven or not: what was added since is no part of what was installed."""
        file = owner.root / "receipts" / f"go{OLD}.json"
        before = file.read_bytes()
        (goroot / "test").mkdir()
        (goroot / "test" / "x.go").write_text("package x\n")
        code, document = answer(owner, "--raise")
        assert code == 5
        assert "is of another tree than the one that was proven" in document["errors"][0]["message"]
        assert file.read_bytes() == before

    def test_goes_with_transparency_alone(self, owner: User) -> None:
        result = owner.run("verify", OLD, "--raise")
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("error: --raise goes with --transparency\n")


class TestOtherAnswers:
    def test_not_installed(self, goproxy: Site, person: User) -> None:
        assert person.run("verify", "1.99.1", "--transparency").returncode == 3

    def test_nothing_installed(self, user: User, goproxy: Site) -> None:
        result = user.run("verify", "--transparency")
        assert (result.returncode, result.stdout) == (0, "nothing is installed\n")

    def test_gosumdb_off_changes_nothing(self, goproxy: Site, person: User) -> None:
        assert proof(person, GOSUMDB="off", GONOSUMDB="*", GOFLAGS="-insecure")[0] == 0

    def test_gosumdb_off_where_the_database_is_out_of_reach(self, goproxy: Site, person: User) -> None:
        goproxy.prefixes.clear()
        goproxy.paths["/proxy/sumdb/sum.golang.org/supported"] = lambda request: request.answer(401)
        result = person.run("verify", OLD, "--transparency", GOSUMDB="off")
        assert result.returncode == 4
        assert "hint: GOSUMDB=off does not hold for toolchains; name where the database" in result.stderr


class TestARealServerThatLies:
    """Go's own server behind a proxy of ours that changes what it says; through the program."""

    def relay(self, base: str, change: Callable[[str, bytes], bytes]) -> Callable[[Request], None]:
        import urllib.request

        def relay(request: Request) -> None:
            with urllib.request.urlopen(base + request.path) as real:
                request.answer(200, change(request.path, real.read()))

        return relay

    @pytest.mark.parametrize("lie", ["none", "lookup", "tile", "silent"])
    def test_codes(self, site: Site, person: User, lie: str, real_toolchains: dict[str, Toolchain]) -> None:
        version = real_toolchains[OLD].module_version
        h1 = _h1_of(real_toolchains[OLD])
        record = f"{MODULE} {version} {h1}\n{MODULE} {version}/go.mod {h1}\n"
        if lie == "silent":
            record = record.replace(version, "v0.0.1-go1.21.5.linux-amd64")

        def change(path: str, body: bytes) -> bytes:
            if lie == "tile" and "/tile/" in path:
                return body[:7] + bytes([body[7] ^ 1]) + body[8:]
            if lie == "lookup" and "/lookup/" in path:
                return body.replace(b"h1:", b"h1:A", 1)
            return body

        with serve_database(300, {f"{MODULE} {version}": record}) as real:
            site.prefixes["/main/"] = self.relay(real.base, change)
            code, document = answer(person, GOPROXY=f"{site.base}/main", GOSUMDB=real.vkey)
        assert code == (0 if lie == "none" else 5)
        assert document["status"] == ("ok" if lie == "none" else "error")

    def test_a_fork_names_its_evidence(
        self, owner: User, site: Site, real_toolchains: dict[str, Toolchain]
    ) -> None:
        version = real_toolchains[OLD].module_version
        h1 = _h1_of(real_toolchains[OLD])
        record = f"{MODULE} {version} {h1}\n{MODULE} {version}/go.mod {h1}\n"
        with serve_database(300, {f"{MODULE} {version}": record}) as real:
            first, _ = answer(owner, "--raise", GOPROXY=real.proxy("fork"), GOSUMDB=real.vkey)
            shutil.rmtree(owner.cache)
            second, document = answer(owner, GOPROXY=real.proxy("main"), GOSUMDB=real.vkey)
        assert (first, second) == (0, 5)
        [file] = (owner.root / "state/sumdb/sums.example.com/forks").iterdir()
        assert document["errors"][0]["details"][0] == f"the evidence is kept in `{file}`"
        assert file.read_text().count("go.sum database tree\n") == 2


class TestTheGoCommand:
    """A real go command as the oracle. It fetches the zip, hashes it, and asks the database by itself."""

    @pytest.mark.parametrize("version", [OLD, pytest.param(NEW, marks=pytest.mark.slow)])
    def test_has_the_same_sum_and_its_head_counts(
        self, goproxy: Site, person: User, fast_path: Path, version: str
    ) -> None:
        gopath = fast_path / "gopath"
        env = {
            "HOME": str(fast_path),
            "GOPATH": str(gopath),
            "GOFLAGS": "-modcacherw",
            "GOPROXY": f"{goproxy.base}/proxy",
            "GOTOOLCHAIN": "local",
            "GOENV": "off",
        }
        go = person.root / "versions" / f"go{NEW}" / "bin" / "go"
        module = f"{MODULE}@v0.0.1-go{version}.{host()}"
        told = subprocess.check_output([go, "mod", "download", "-json", module], cwd=fast_path, env=env)
        head = gopath / "pkg/sumdb/sum.golang.org/latest"
        before = head.read_bytes()
        result = person.run("verify", version, "--transparency", "--json", GOPATH=str(gopath))
        [entry] = json.loads(result.stdout)["data"]["versions"]
        assert (result.returncode, entry["h1"]) == (0, json.loads(told)["Sum"])
        assert entry["tree_size"] >= int(before.split(b"\n")[1])
        assert head.read_bytes() == before
        head.write_bytes(before.replace(b"tree\n", b"tree\n1", 1))
        assert person.run("verify", version, "--transparency", GOPATH=str(gopath)).returncode == 5


@functools.cache
def _h1_of(toolchain: Toolchain) -> str:
    from gvmpy.install.unpack import Budget, hash_zip

    return hash_zip(toolchain.zip, prefix=f"{MODULE}@{toolchain.module_version}/", budget=Budget())
