from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gvmpy.platform import host
from gvmpy.releases.sources.goproxy import MODULE
from tests.cli.conftest import NEW, OLD

if TYPE_CHECKING:
    from tests.conftest import User
    from tests.support.loopback import Site

ENVELOPE = ["schema", "command", "status", "exit_code", "data", "errors"]
REAL = ["1.21.6", "1.22.3", "1.25.5"]


def names(text: str) -> list[str]:
    """Return the first column."""
    return [line.split()[0] for line in text.splitlines()]


class TestInstalled:
    def test_table(self, person: User) -> None:
        person.run("use", NEW, "--default")
        result = person.run("list")
        assert (result.returncode, result.stderr) == (0, "")
        header, *rows = result.stdout.splitlines()
        assert header.split() == ["VERSION", "TRUST", "SOURCE", "INSTALLED"]
        assert [row.split()[:-1] for row in rows] == [
            [OLD, "origin-sha256", "official"],
            ["*", NEW, "origin-sha256", "official"],
        ]

    def test_json(self, person: User) -> None:
        person.run("use", OLD, "--default")
        document = json.loads(person.run("list", "--json").stdout)
        assert list(document) == ENVELOPE
        assert (document["schema"], document["command"], document["status"]) == (1, "list", "ok")
        assert (document["exit_code"], document["errors"]) == (0, [])
        assert list(document["data"]) == ["default", "versions"]
        assert document["data"]["default"] == OLD
        for entry, version in zip(document["data"]["versions"], (OLD, NEW), strict=True):
            assert list(entry) == ["version", "default", "goroot", "trust", "source", "installed_at"]
            assert entry["version"] == version
            assert entry["default"] is (version == OLD)
            assert entry["goroot"] == str(person.root / "versions" / f"go{version}")

    def test_nothing(self, user: User) -> None:
        result = user.run("list")
        assert (result.returncode, result.stdout) == (0, "")
        assert result.stderr == "nothing is installed\nhint: gvmpy install latest\n"
        assert json.loads(user.run("list", "--json").stdout)["data"] == {"default": None, "versions": []}
        assert list(user.home.iterdir()) == []

    def test_a_spoilt_receipt_is_listed_and_said(self, owner: User) -> None:
        receipt = owner.root / "receipts" / f"go{OLD}.json"
        receipt.unlink()
        receipt.write_text('{"version": "\x1b[2J"}')
        result = owner.run("list")
        assert result.returncode == 0
        assert result.stdout.splitlines()[1].split() == [OLD, "?", "?", "?"]
        assert f"warning: `{receipt}` is not a receipt" in result.stderr
        [entry] = json.loads(owner.run("list", "--json").stdout)["data"]["versions"]
        assert (entry["version"], entry["trust"]) == (OLD, None)

    def test_half_of_an_installation_is_not_listed(self, owner: User) -> None:
        (owner.root / "receipts" / f"go{OLD}.json").unlink()
        (owner.root / "versions" / ".incoming").mkdir()
        (owner.root / "versions" / ".incoming" / f"go{NEW}.1.abc").mkdir()
        assert owner.run("list").stdout == ""

    def test_a_hostile_trust_does_not_steer_the_terminal(self, owner: User) -> None:
        receipt = owner.root / "receipts" / f"go{OLD}.json"
        document = json.loads(receipt.read_text())
        receipt.unlink()
        receipt.write_text(json.dumps(document | {"trust": "\x1b[2J", "source": "\x07"}))
        result = owner.run("list")
        assert not {"\x1b", "\x07"} & set(result.stdout)


class TestRemote:
    def test_official(self, user: User, official: Site) -> None:
        result = user.run("list", "--remote")
        assert (result.returncode, result.stderr) == (0, "note: listed by official\n")
        assert names(result.stdout) == REAL

    def test_goproxy(self, user: User, goproxy: Site) -> None:
        result = user.run("list", "--remote")
        assert (result.returncode, result.stderr) == (0, "note: listed by goproxy\n")
        assert names(result.stdout) == REAL

    def test_json(self, owner: User, official: Site) -> None:
        document = json.loads(owner.run("list", "--remote", "--json").stdout)
        assert list(document) == ENVELOPE
        assert document["data"]["source"] == "official"
        entries = document["data"]["versions"]
        assert [(entry["version"], entry["stable"], entry["installed"]) for entry in entries] == [
            ("1.21.6", True, True),
            ("1.22.3", True, False),
            ("1.25.5", True, False),
        ]

    def test_installed_ones_are_marked(self, owner: User, official: Site) -> None:
        assert f"{OLD}  installed, end of life\n" in owner.run("list", "--remote").stdout

    def test_prereleases_on_request(self, user: User, goproxy: Site) -> None:

        lines = f"v0.0.1-go1.23rc1.{host()}\nv0.0.1-go1.22.3.{host()}\n"
        goproxy.body(f"/proxy/{MODULE}/@v/list", lines.encode(), "text/plain")
        assert user.run("list", "--remote").stdout == "1.22.3  stable\n"
        assert user.run("list", "--remote", "--all").stdout == "1.22.3   stable\n1.23rc1  unstable\n"

    def test_the_next_source_is_asked_and_the_reason_told(self, user: User, goproxy: Site) -> None:
        index = f"{goproxy.base}/missing/"
        result = user.run("list", "--remote", GVMPY_SOURCES="official,goproxy", GVMPY_OFFICIAL_INDEX=index)
        assert names(result.stdout) == REAL
        assert result.stderr == (
            f"note: official: the index at {index} answered 404\nnote: listed by goproxy\n"
        )

    def test_nobody_answers(self, user: User) -> None:
        result = user.run("list", "--remote", GVMPY_OFFLINE="1", GOPROXY="off")
        assert (result.returncode, result.stdout) == (4, "")
        assert "  official: offline: " in result.stderr
        assert "  goproxy: module downloads are disabled by GOPROXY=off" in result.stderr

    def test_looking_writes_nothing_but_the_cache(self, user: User, official: Site) -> None:
        user.run("list", "--remote")
        # The cache alone keeps what there is, for the next time and for completion.
        files = sorted(path for path in user.home.rglob("*") if path.is_file())
        assert [path.relative_to(user.cache).parts[0] for path in files] == ["indexes", "remote-versions"]

    def test_all_goes_with_remote(self, user: User) -> None:
        result = user.run("list", "--all")
        assert (result.returncode, result.stdout) == (2, "")
        assert "--all goes with --remote" in result.stderr
