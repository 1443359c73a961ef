"""`gvmpy env` in real directories, as the real Go there answers."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import NEW, OLD
from tests.cli.ordinary import ordinary
from tests.cli.snapshot import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User


@dataclass(frozen=True)
class Case:
    """Files below the home directory, where to stand, an environment; `~` stands for the home directory."""

    mode: str
    reason: str
    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    place: str = "shop"


USER_FILE = ".config/go/env"
MODULE = {"shop/go.mod": "module m\n"}
UNSET = "GO111MODULE is not set, which means on"
NOTHING = "and no go.mod is here or above"
FILE = "`~/.config/go/env`"
CASES = {
    "nothing": Case("none", f"{UNSET}, {NOTHING}"),
    "module": Case("module", f"`~/shop/go.mod` is used; {UNSET}", MODULE),
    "module above": Case("module", f"`~/shop/go.mod` is used; {UNSET}", MODULE, place="shop/a/b"),
    "workspace": Case(
        "module", f"the workspace `~/shop/go.work` is used; {UNSET}", {"shop/go.work": "go 1.21\n"}
    ),
    "both": Case(
        "module",
        f"the workspace `~/shop/go.work` with `~/shop/go.mod` is used; {UNSET}",
        {"shop/go.work": "go 1.21\nuse .\n", **MODULE},
    ),
    "GOWORK=off": Case("none", f"{UNSET}, {NOTHING}", {"shop/go.work": "go 1.21\n"}, {"GOWORK": "off"}),
    "on": Case("none", f"GO111MODULE=on from $GO111MODULE, {NOTHING}", environ={"GO111MODULE": "on"}),
    "off": Case("gopath", "GO111MODULE=off from $GO111MODULE", MODULE, {"GO111MODULE": "off"}),
    "off in the file": Case(
        "gopath", f"GO111MODULE=off from {FILE}", {USER_FILE: "GO111MODULE=off\n", **MODULE}
    ),
    "auto without": Case(
        "gopath", f"GO111MODULE=auto from $GO111MODULE, {NOTHING}", {}, {"GO111MODULE": "auto"}
    ),
    "auto inside": Case(
        "module",
        "`~/shop/go.mod` is used; GO111MODULE=auto from $GO111MODULE",
        MODULE,
        {"GO111MODULE": "auto"},
    ),
    "in GOPATH": Case("none", f"{UNSET}, {NOTHING}", place="go/src/m"),
    "too new a module": Case(
        "module", f"`~/shop/go.mod` is used; {UNSET}", {"shop/go.mod": "module m\ngo 1.99\n"}
    ),
}
CODES = {"module": 0, "gopath": 10, "none": 11}


def furnish(person: User, case: Case) -> Path:
    for name, text in case.files.items():
        path = person.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    place = person.home / case.place
    place.mkdir(parents=True, exist_ok=True)
    person.env |= {"GVMPY_VERSION": NEW} | case.environ
    return place


def data(person: User, *arguments: str) -> Any:
    result = person.run("env", *arguments, "--json")
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.returncode
    return document["data"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_mode_and_why(person: User, case: Case) -> None:
    place = furnish(person, case)
    result = person.run("env", "--mode", str(place))
    assert (result.stdout, result.stderr) == (f"{case.mode}\n", "")
    assert result.returncode == CODES[case.mode]
    go = person.root / "versions" / f"go{NEW}" / "bin" / "go"
    environ = person.env | {"GOTOOLCHAIN": "local"}
    real = subprocess.run([str(go), "env", "GOMOD"], env=environ, cwd=place, capture_output=True, check=True)
    kinds = {"": "gopath", "/dev/null": "none"}
    if "workspace" not in case.reason:
        assert case.mode == kinds.get(real.stdout.decode().strip(), "module")
    mode = data(person, "--mode", str(place))["mode"]
    assert mode["reason"] == case.reason.replace("~", str(person.home))


class TestPlain:
    def test_prints_what_go_prints(self, person: User) -> None:
        person.env["GVMPY_VERSION"] = NEW
        result = person.run("env")
        assert result.returncode == 0, result.stderr
        go = person.root / "versions" / f"go{NEW}" / "bin" / "go"
        real = subprocess.run(
            [str(go), "env"], env=person.env, cwd=person.home, capture_output=True, check=True
        )
        volatile = "GOGCCFLAGS="
        ours = [line for line in result.stdout.splitlines() if not line.startswith(volatile)]
        theirs = [line for line in real.stdout.decode().splitlines() if not line.startswith(volatile)]
        assert ours == sorted(theirs)

    def test_asks_the_go_of_the_directory(self, person: User) -> None:
        (person.home / "p").mkdir()
        (person.home / "p" / ".go-version").write_text(f"{OLD}\n")
        person.run("use", NEW, "--default")
        assert data(person)["settings"]["GOVERSION"] == f"go{NEW}"
        there = data(person, "p")
        assert there["settings"]["GOVERSION"] == f"go{OLD}"
        assert there["go"]["reason"] == f"`{person.home}/p/.go-version` line 1"

    def test_credentials_are_nowhere(self, person: User) -> None:
        (person.home / ".config" / "go").mkdir(parents=True)
        (person.home / USER_FILE).write_text("GOPROXY=https://me:hunter2@one.example\n")
        person.env |= {
            "GVMPY_VERSION": NEW,
            "GOPROXY": "https://me:hunter2@two.example",
            "GOFLAGS": "-tags=x",
        }
        for options in ((), ("--explain",), ("--json",), ("--explain", "--json")):
            result = person.run("env", *options)
            assert result.returncode == 0
            assert "hunter2" not in result.stdout + result.stderr
            assert "two.example" in result.stdout

    def test_writes_nothing_and_works_where_nothing_can_be_written(self, person: User) -> None:
        person.env["GVMPY_VERSION"] = NEW
        (person.home / ".config").mkdir()
        for directory in (person.home / ".config", person.home):
            directory.chmod(0o555)
        before = snapshot(person.home, person.root)
        for options in ((), ("--explain",), ("--mode",)):
            result = subprocess.run(
                ordinary(person.command("env", *options)), env=person.env, capture_output=True, check=False
            )
            assert result.returncode in {0, 11}, result.stderr
        assert snapshot(person.home, person.root) == before

    def test_control_characters_are_spelled_out(self, person: User) -> None:
        place = person.home / "a\x1b[31m\nb"
        place.mkdir()
        (place / "go.mod").write_text("module m\n")
        person.env |= {"GVMPY_VERSION": NEW, "GOPRIVATE": "x\x1b]0;y\x07"}
        for options in ((), ("--explain",)):
            result = person.run("env", *options, str(place))
            assert result.returncode == 0, result.stderr
            assert "a\\x1b[31m\\nb" in result.stdout
            assert "\x1b" not in result.stdout + result.stderr
        assert data(person, str(place))["settings"]["GOMOD"] == str(place / "go.mod")

    def test_a_go_that_does_not_start(self, person: User) -> None:
        """A stale GOROOT in Go's own env file: 1.21 to 1.26 end at once."""
        (person.home / ".config" / "go").mkdir(parents=True)
        (person.home / USER_FILE).write_text("GOROOT=/nonexistent\n")
        result = person.run("env", GVMPY_VERSION=NEW)
        assert result.returncode == 6
        assert "go: cannot find GOROOT directory: /nonexistent" in result.stderr
        assert "hint: gvmpy doctor" in result.stderr

    def test_what_go_complains_of_is_shown_without_credentials(self, person: User) -> None:
        setting = "https://me:hunter2@x.example"
        for options in ((), ("--mode",), ("--json",)):
            result = person.run("env", *options, GVMPY_VERSION=NEW, GO111MODULE=setting)
            assert result.returncode == 6
            assert "hunter2" not in result.stdout + result.stderr
            assert "unknown environment setting GO111MODULE=https://…@x.example" in (
                result.stderr
                if "--json" not in options
                else json.loads(result.stdout)["errors"][0]["details"][0]
            )

    def test_refusals(self, person: User) -> None:
        assert person.run("env", "--mode", "--explain").returncode == 2
        assert person.run("env", "nowhere").returncode == 2
        assert person.run("env", GVMPY_VERSION="1.9.9").returncode == 127


class TestExplain:
    def test_says_where_each_is_from_and_what_it_hides(self, person: User) -> None:
        (person.home / ".config" / "go").mkdir(parents=True)
        (person.home / USER_FILE).write_text("GOPROXY=https://file.example\nGOFLAGS=-v\n")
        person.env |= {"GVMPY_VERSION": NEW, "GOPROXY": "https://env.example", "GO111MODULE": "on"}
        result = person.run("env", "--explain")
        assert result.returncode == 0
        lines = result.stdout.splitlines()
        assert lines[:2] == [
            f"module mode without a module: GO111MODULE=on from $GO111MODULE, {NOTHING}",
            f"asked: go{NEW}, set by $GVMPY_VERSION",
        ]
        file, root = person.home / USER_FILE, person.root / "versions" / f"go{NEW}" / "go.env"
        start = lines.index("GOPROXY='https://env.example'")
        assert lines[start + 1 : start + 3] == [
            "  from: the environment",
            f"  instead of: 'https://file.example' from `{file}` line 1",
        ]
        assert f"from `{root}` line" in lines[start + 3]
        assert lines[lines.index("GOFLAGS='-v'") + 1] == f"  from: `{file}` line 2"
        assert result.stderr == (
            "advice: leave GO111MODULE unset; `auto` and `off` also keep GOTOOLCHAIN from counting\n"
            "hint: unset GO111MODULE\n"
        )

    def test_as_json(self, person: User) -> None:
        person.env |= {"GVMPY_VERSION": NEW, "GOROOT": "/x"}
        answer = data(person, "--explain")
        assert answer.keys() == {"go", "mode", "settings"}
        assert answer["go"].keys() == {"version", "binary", "reason"}
        assert answer["mode"].keys() == {"mode", "reason", "gomod", "gowork", "go111module"}
        settings = {each["name"]: each for each in answer["settings"]}
        assert settings["GOROOT"] == {
            "name": "GOROOT",
            "value": str(person.root / "versions" / f"go{NEW}"),
            "origin": {"kind": "computed", "path": None, "line": None},
            "shadows": [],
            "note": "GOROOT in the environment does not count: gvmpy's shims take it away",
        }
        assert settings["GOPROXY"]["origin"]["kind"] == "go.env"
