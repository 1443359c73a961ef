"""The go command itself says what it does: real toolchains, some of them on PATH under their names."""

from __future__ import annotations

import os
import shutil
import string
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gvmpy.selection.gotoolchain import (
    Prediction,
    looks_on_path,
    predict,
    setting_of,
    uses_modules,
)
from gvmpy.version import GoVersion
from tests.support.goroots import COMMAND, put_goroot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.toolchains import Toolchain

OLD, MIDDLE, NEW = "1.21.6", "1.22.3", "1.25.5"


@dataclass(frozen=True)
class World:
    """A home, a project, three toolchains; of these 1.22.3 and 1.25.5 are on PATH as programs."""

    place: Path

    @property
    def project(self) -> Path:
        return self.place / "project"

    def goroot(self, version: str) -> Path:
        return self.place / "goroots" / version

    def env(self, **changed: str) -> dict[str, str]:
        env = {"HOME": str(self.place / "home"), "PATH": f"{self.place / 'bin'}:{os.defpath}"}
        return env | {"GOPROXY": "off"} | changed

    def go(self, version: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.goroot(version) / "bin" / "go", *words],
            env=self.env(**env),
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def write(self, go_line: str | None, toolchain_line: str | None, name: str = "go.mod") -> None:
        text = "module example.com/m\n" if name == "go.mod" else "use .\n"
        text += "" if go_line is None else f"go {go_line}\n"
        text += "" if toolchain_line is None else f"toolchain {toolchain_line}\n"
        (self.project / name).write_text(text)


@pytest.fixture(scope="module")
def shared(
    real_toolchains: dict[str, Toolchain], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("gotoolchain"))
    (world.place / "bin").mkdir()
    (world.place / "home").mkdir()
    for version, toolchain in real_toolchains.items():
        go = put_goroot(toolchain, world.goroot(version), COMMAND)
        if version != OLD:
            (world.place / "bin" / f"go{version}").symlink_to(go)
    yield world
    shutil.rmtree(world.place)


@pytest.fixture
def world(shared: World) -> World:
    shutil.rmtree(shared.project, ignore_errors=True)
    shared.project.mkdir()
    return shared


def foretold(
    world: World, running: str, setting: str, go_line: str | None, toolchain_line: str | None
) -> Prediction:
    on_path = looks_on_path(world.env())
    return predict(GoVersion.parse(running), setting, go_line, toolchain_line, on_path=on_path)


def check(world: World, running: str, setting: str, told: Prediction) -> None:
    """What `go version` answers, and whether a command that reads the module works, is what was told."""
    version = world.go(running, "version", GOTOOLCHAIN=setting)
    # Lines that are out of step are put right on the way, which is no matter here.
    tidying = [] if (world.project / "go.work").exists() else ["-mod=mod"]
    listed = world.go(running, "list", *tidying, "-m", GOTOOLCHAIN=setting)
    seen = (told, version.stdout, version.stderr, listed.stderr)
    answers = version.stdout.startswith(f"go version go{told.version} ")
    if told.how == "download":
        assert not answers, seen
        assert f"go: download go{told.version} for " in version.stderr, seen
        assert version.stderr.endswith(": toolchain not available\n"), seen
    elif told.action in {"runs", "switches"}:
        assert answers, seen
        assert (listed.returncode, listed.stdout) == (0, "example.com/m\n"), seen
        assert (told.how == "path") == (told.action == "switches"), seen
    elif told.action == "refuses" and (told.how == "path" or told.version == running):
        assert answers, seen
        assert listed.returncode == 1, seen
        assert "requires go >= " in listed.stderr or "errors parsing go.mod" in listed.stderr, seen
    elif told.action == "refuses":
        assert version.returncode == 1, seen
        assert version.stderr == f'go: cannot find "go{told.version}" in PATH\n', seen
    else:
        assert told == Prediction("invalid", None, None, told.reason), seen
        assert (version.returncode, version.stdout, listed.returncode) == (1, "", 1), seen
        assert "invalid" in version.stderr or "language version" in told.reason, seen


@pytest.mark.parametrize(
    ("running", "setting", "go_line", "toolchain_line", "action", "version", "how"),
    [
        (OLD, "local", "1.21", None, "runs", OLD, None),
        (OLD, "local", None, None, "runs", OLD, None),
        (OLD, "local", "1.22", None, "refuses", OLD, None),
        (OLD, "local", "1.21.7", None, "refuses", OLD, None),
        (OLD, "local", "1.21", f"go{NEW}", "runs", OLD, None),
        (OLD, "auto", "1.21", None, "runs", OLD, None),
        (OLD, "auto", None, None, "runs", OLD, None),
        (OLD, "auto", MIDDLE, None, "switches", MIDDLE, "path"),
        (OLD, "auto", "1.22", None, "invalid", None, None),
        (MIDDLE, "auto", "1.23", None, "invalid", None, None),
        (OLD, "auto", "1.22rc1", None, "switches", "1.22rc1", "download"),
        (OLD, "auto", "1.99.1", None, "switches", "1.99.1", "download"),
        (OLD, "auto", "1.21", f"go{MIDDLE}", "switches", MIDDLE, "path"),
        (OLD, "auto", MIDDLE, f"go{NEW}", "switches", NEW, "path"),
        (OLD, "auto", NEW, f"go{MIDDLE}", "switches", NEW, "path"),
        (OLD, "auto", "1.21", "go1.21.0", "runs", OLD, None),
        (OLD, "auto", "1.21", f"go{OLD}", "runs", OLD, None),
        (OLD, "auto", "1.21", f"go{MIDDLE}-acme", "switches", f"{MIDDLE}-acme", "download"),
        (OLD, "auto", "1.21", "go1.22", "invalid", None, None),
        (OLD, "auto", "1.22.0", "default", "refuses", OLD, None),
        (OLD, "auto", "1.21", "default", "runs", OLD, None),
        (OLD, "auto", "1.21", MIDDLE, "invalid", None, None),
        (OLD, "auto", "1.21", "local", "invalid", None, None),
        (OLD, "auto", "1.21", "gccgo-go1.23", "invalid", None, None),
        (OLD, "auto", "1.21", "go2.5.1", "invalid", None, None),
        (OLD, "auto", "1.21", f'"go{MIDDLE}"', "invalid", None, None),
        (OLD, "local", "1.21", MIDDLE, "refuses", OLD, None),
        (OLD, "auto", "1.21", "go0.5", "refuses", OLD, None),
        (OLD, "auto", "1.21", "go1.21.0 more", "refuses", OLD, None),
        (OLD, "auto", "1.x", None, "refuses", OLD, None),
        (OLD, "auto", "v1.22.3", None, "refuses", OLD, None),
        (OLD, "auto", "1", None, "refuses", OLD, None),
        (OLD, "auto", "1.22.3rc1", None, "runs", OLD, None),
        (OLD, "path", "1.21", None, "runs", OLD, None),
        (OLD, "path", MIDDLE, None, "switches", MIDDLE, "path"),
        (OLD, "path", "1.22", None, "refuses", "1.22", None),
        (OLD, "path", "1.21", "go1.23.4", "refuses", "1.23.4", None),
        (OLD, "path", "1.21", "go1.22", "refuses", "1.22", None),
        (OLD, f"go{MIDDLE}", "1.21", None, "switches", MIDDLE, "path"),
        (OLD, f"go{MIDDLE}", "1.21", f"go{NEW}", "switches", MIDDLE, "path"),
        (OLD, f"go{MIDDLE}", NEW, None, "refuses", MIDDLE, "path"),
        (OLD, f"go{OLD}", "1.22", None, "refuses", OLD, None),
        (OLD, f"go{OLD}", "1.21", None, "runs", OLD, None),
        (OLD, "go1.20.14", "1.20", None, "switches", "1.20.14", "download"),
        (OLD, "go1.22", "1.21", None, "invalid", None, None),
        (OLD, f"go{MIDDLE}+auto", "1.21", f"go{NEW}", "switches", NEW, "path"),
        (OLD, f"go{NEW}+auto", "1.21", f"go{MIDDLE}", "switches", NEW, "path"),
        (OLD, f"go{MIDDLE}+auto", NEW, "default", "refuses", MIDDLE, "path"),
        (OLD, f"go{MIDDLE}+path", "1.24", None, "refuses", "1.24", None),
        (OLD, f"go{MIDDLE}+path", "1.22", None, "switches", MIDDLE, "path"),
        (OLD, f"go{MIDDLE}-acme+auto", "1.21", f"go{MIDDLE}", "switches", MIDDLE, "path"),
        (NEW, f"go{MIDDLE}-acme+auto", "1.21", f"go{MIDDLE}", "switches", f"{MIDDLE}-acme", "download"),
        (OLD, "local+auto", MIDDLE, None, "switches", MIDDLE, "path"),
        (OLD, "local+path", "1.23.1", None, "refuses", "1.23.1", None),
        (NEW, f"go{MIDDLE}", None, None, "switches", MIDDLE, "path"),
        (NEW, f"go{MIDDLE}+auto", "1.23", None, "switches", "1.23.0", "download"),
        (NEW, "auto", "1.21", f"go{MIDDLE}", "runs", NEW, None),
        (NEW, "auto", "1.26", None, "switches", "1.26.0", "download"),
        (NEW, "path", "1.26", None, "refuses", "1.26.0", None),
        (NEW, "auto", "1.25.6", None, "switches", "1.25.6", "download"),
        (MIDDLE, "auto", "1.22", f"go{NEW}", "switches", NEW, "path"),
        (MIDDLE, "auto", "1.22.4", "default", "refuses", MIDDLE, None),
        (OLD, MIDDLE, "1.21", None, "invalid", None, None),
        (OLD, "autos", "1.21", None, "invalid", None, None),
        (OLD, "local+", "1.21", None, "invalid", None, None),
        (OLD, "auto+path", "1.21", None, "invalid", None, None),
        (OLD, "go1.22.3+bigcorp", "1.21", None, "invalid", None, None),
        (OLD, "1.22.3+auto", "1.21", None, "invalid", None, None),
        (OLD, "go2.5", "1.21", None, "invalid", None, None),
        (OLD, "bash", "1.21", None, "invalid", None, None),
    ],
)
def test_the_go_command_does_as_foretold(
    world: World,
    running: str,
    setting: str,
    go_line: str | None,
    toolchain_line: str | None,
    action: str,
    version: str | None,
    how: str | None,
) -> None:
    told = foretold(world, running, setting, go_line, toolchain_line)
    assert (told.action, told.version, told.how) == (action, version, how), told
    world.write(go_line, toolchain_line)
    check(world, running, setting, told)


versions = st.sampled_from(
    [
        "1.20",
        "1.21",
        "1.21rc2",
        "1.21.0",
        OLD,
        "1.22",
        MIDDLE,
        "1.22.4",
        "1.25",
        NEW,
        "1.26",
        "1.26rc1",
        "1.99.9",
    ]
)
names = st.builds("go{}".format, versions) | st.sampled_from([f"go{MIDDLE}-acme", "default", "go1.x", "x"])
modes = st.sampled_from(["", "+auto", "+path", "+x"])
values = st.sampled_from(["auto", "path"]) | st.builds("{}{}".format, st.just("local") | names, modes)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([OLD, MIDDLE, NEW]), values, st.none() | versions, st.none() | names)
def test_whatever_is_put_together(
    world: World, running: str, setting: str, go_line: str | None, toolchain_line: str | None
) -> None:
    told = foretold(world, running, setting, go_line, toolchain_line)
    world.write(go_line, toolchain_line)
    check(world, running, setting, told)


def test_the_trace_tells_the_same_reason(world: World) -> None:
    """GODEBUG=toolchaintrace=1 says which line asked, and where the toolchain was found."""
    world.write("1.26", None)
    told = foretold(world, NEW, "auto", "1.26", None)
    assert told.reason == "the line `go 1.26` asks for go1.26.0, not found on PATH"
    trace = world.go(NEW, "version", GOTOOLCHAIN="auto", GODEBUG="toolchaintrace=1").stderr
    assert "upgrading toolchain to go1.26.0 (required by go line in go.mod" in trace
    world.write("1.21", None)
    told = foretold(world, NEW, f"go{MIDDLE}", "1.21", None)
    assert told.reason == f"GOTOOLCHAIN=go{MIDDLE} asks for go{MIDDLE}, found on PATH"
    trace = world.go(NEW, "version", GOTOOLCHAIN=f"go{MIDDLE}", GODEBUG="toolchaintrace=1").stderr
    assert f"default toolchain set to go{MIDDLE} from GOTOOLCHAIN=go{MIDDLE}" in trace


def test_a_workspace_goes_before_the_module(world: World) -> None:
    world.write("1.21", None)
    world.write(MIDDLE, f"go{NEW}", name="go.work")
    told = foretold(world, OLD, "auto", MIDDLE, f"go{NEW}")
    assert (told.action, told.version) == ("switches", NEW)
    check(world, OLD, "auto", told)


@pytest.mark.parametrize("value", ["", "on", "off", "auto", "maybe"])
@pytest.mark.parametrize("in_module", [True, False])
def test_only_in_module_mode(world: World, value: str, in_module: bool) -> None:
    if in_module:
        world.write("1.21", None)
    goroot = world.goroot(OLD)
    modules = uses_modules(world.env(GO111MODULE=value), goroot, in_module=in_module)
    told = predict(
        GoVersion.parse(OLD),
        f"go{MIDDLE}",
        "1.21" if in_module else None,
        None,
        on_path=looks_on_path(world.env()),
        modules=modules,
    )
    answer = world.go(OLD, "version", GOTOOLCHAIN=f"go{MIDDLE}", GO111MODULE=value).stdout
    assert answer.startswith(f"go version go{told.version} ")
    assert told.action == ("switches" if modules else "runs")
    assert modules == (value in {"", "on"} or (value == "auto" and in_module))


@pytest.mark.parametrize("environment", [None, "", "local", "go1.22.3+path"])
@pytest.mark.parametrize("user_file", [None, "", "path"])
@pytest.mark.parametrize("go_env", [True, False])
def test_the_setting_is_read_as_go_reads_it(
    world: World, environment: str | None, user_file: str | None, go_env: bool
) -> None:
    goroot = world.goroot(MIDDLE)
    env = world.env(GOENV=str(world.project / "env"))
    if environment is not None:
        env["GOTOOLCHAIN"] = environment
    if user_file is not None:
        (world.project / "env").write_text(f"GOTOOLCHAIN={user_file}\n")
    kept = (goroot / "go.env").read_text()
    try:
        if not go_env:
            (goroot / "go.env").unlink()
        found = setting_of(env, goroot)
        asked = world.go(MIDDLE, "env", "GOTOOLCHAIN", **{k: v for k, v in env.items() if k.startswith("GO")})
    finally:
        (goroot / "go.env").write_text(kept)
    assert asked.stdout.rstrip("\n") == found.value
    origins = [
        ("$GOTOOLCHAIN", environment),
        (f"`{world.project / 'env'}`", user_file),
        (f"`{goroot / 'go.env'}`", "auto" if go_env else None),
    ]
    first = next((origin for origin, value in origins if value), "nothing sets it")
    if user_file == "" and not environment:
        first = "nothing sets it"
    assert found.origin == first


def test_a_goroot_that_is_unknown_has_no_setting() -> None:
    assert setting_of({"GOENV": "off"}, None).value == ""


def test_before_121_there_is_no_switching() -> None:
    told = predict(GoVersion.parse("1.20.14"), "go1.22.3", "1.22", None, on_path=lambda _: True)
    assert (told.action, told.version) == ("runs", "1.20.14")
    old = predict(GoVersion.parse(OLD), "go1.20.14", "1.22", None, on_path=lambda _: True)
    assert (old.action, old.version, old.how) == ("switches", "1.20.14", "path")


@pytest.mark.parametrize("entry", ["bin", "."])
def test_a_relative_entry_hides_what_comes_behind(
    world: World, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write(MIDDLE, None)
    relative = world.project / entry
    relative.mkdir(exist_ok=True)
    (relative / f"go{MIDDLE}").write_text("#!/bin/sh\necho hostile\n")
    (relative / f"go{MIDDLE}").chmod(0o755)
    path = f"{entry}:{world.env()['PATH']}"
    monkeypatch.chdir(world.project)
    on_path = looks_on_path({"PATH": path})
    told = predict(GoVersion.parse(OLD), "path", MIDDLE, None, on_path=on_path)
    assert (told.action, told.version, told.how) == ("refuses", MIDDLE, None)
    answer = world.go(OLD, "version", GOTOOLCHAIN="path", PATH=path)
    assert answer.stderr == f'go: cannot find "go{MIDDLE}" in PATH\n'


@pytest.mark.parametrize(
    ("running", "first"),
    [
        ("1.21.10", ""),
        ("1.21.11", ".0"),
        ("1.21.13", ".0"),
        ("1.22.3", ""),
        ("1.22.4", ".0"),
        ("1.23rc1", ".0"),
    ],
)
def test_since_when_a_language_version_stands_for_its_first_release(running: str, first: str) -> None:
    told = predict(GoVersion.parse(running), "path", "1.30", None, on_path=lambda _: True)
    assert (told.action, told.version) == ("switches", f"1.30{first}")


@pytest.mark.parametrize("text", ["99999999999999999", "40000000000000000", "999testmod", "9" * 5000])
def test_numbers_have_no_end(text: str) -> None:
    told = predict(GoVersion.parse(NEW), "auto", f"1.{text}", None, on_path=lambda _: False)
    assert told.action in {"switches", "refuses"}
    assert len(told.reason) < 200


lines = st.none() | st.text(max_size=30) | st.text("go1.2345rcx+-/ \\\t\0\x1b'\"", max_size=16)


@given(st.sampled_from([OLD, NEW, "1.20.14", "1.23rc1"]), st.text(max_size=20) | values, lines, lines)
def test_no_line_is_too_much(
    running: str, setting: str, go_line: str | None, toolchain_line: str | None
) -> None:
    on_path = looks_on_path({"PATH": "/nonexistent:.:"})
    told = predict(GoVersion.parse(running), setting, go_line, toolchain_line, on_path=on_path)
    assert told.action in {"runs", "switches", "refuses", "invalid"}
    assert (told.version is None) == (told.action == "invalid")
    assert set(told.reason) <= set(string.printable) - set("\t\n\r\v\f") or told.reason.isprintable()
