"""The shim and gvmpy/selection are one contract: they choose the same binary or fail with the same words."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, event, example, given, settings

from gvmpy.errors import GvmpyError
from gvmpy.selection.resolve import select
from tests.selection.trees import Case, built, cases, projects
from tests.shells.real import KEEPS_NUL, SH_SHELLS, as_sh

if TYPE_CHECKING:
    from tests.selection.trees import Built

THOROUGH = settings(max_examples=1500)
BRIEF = settings(max_examples=60)

# What chance finds too rarely: every kind of prerelease side by side, and the names of old first releases.
PRERELEASES = dict.fromkeys(("go1.22beta1", "go1.22beta2", "go1.22rc1", "go1.22rc12", "go1.21.0"), "whole")
BETAS = dict.fromkeys(("go1.22beta1", "go1.22beta2"), "whole")
FIRST = dict.fromkeys(("go1", "go1.0", "go1.20", "go1.20rc1", "go1.20.0"), "whole")


def case_of(asked: str, installed: dict[str, str]) -> Case:
    return Case(installed, None, {}, asked, {}, [], through_link=False, tool="go")


def system_of(*path: str) -> Case:
    return Case({}, None, {}, "system", {}, list(path), through_link=False, tool="go")


def pinned(content: bytes) -> Case:
    return Case(BETAS, None, {}, None, {0: content}, [], through_link=False, tool="go")


@THOROUGH
@given(cases)
@example(case_of("1.22", PRERELEASES))
@example(case_of("1.22", BETAS))
@example(case_of("1", PRERELEASES))
@example(case_of("1", FIRST))
@example(case_of("1.20", FIRST))
@example(case_of("1.20.0", FIRST))
@example(case_of("1.22.3", {"go1.22.3": "tree only"}))
@example(case_of("1.22.3", {"go1.22.3": "receipt only"}))
@example(system_of("link to shim", "good"))
@example(system_of("link to shims", "shims", "shims/", "good"))
@example(system_of("link to shim"))
@example(pinned(b" " * 1020 + b"1.22"))
@example(pinned(b" " * 1021 + b"1.22"))
@example(pinned(b"#" * 1019 + b"\n1.22\n"))
@example(pinned(b"#" * 1020 + b"\n1.22\n"))
def test_dash(case: Case) -> None:
    agree("dash", case)


@THOROUGH
@given(projects)
@example(
    Case(
        {"go1.22.3": "whole", "go1.22.9": "whole"},
        "../versions/go1.22.3",
        {},
        None,
        {},
        [],
        through_link=False,
        tool="go",
        files={(0, "go.mod"): b"go 1.22.4\n"},
    )
)
def test_projects_in_dash(case: Case) -> None:
    agree("dash", case)


@pytest.mark.parametrize("shell", [shell for shell in SH_SHELLS if shell != "dash"])
@BRIEF
@given(case=cases | projects)
def test_other_shells(shell: str, case: Case) -> None:
    if shell in KEEPS_NUL:
        contents = [*case.pins.values(), *case.files.values()]
        assume(not any(isinstance(content, bytes) and b"\0" in content for content in contents))
    agree(shell, case)


def agree(shell: str, case: Case) -> None:
    with built(case) as situation:
        shown = run_shim(shell, situation)
        told = ask_python(situation, case.tool)
        assert shown == told
        assert not any(path.name == "x" for path in situation.directory.rglob("x"))
    event("failed" if told[0] else "ran")


def run_shim(shell: str, situation: Built) -> tuple[int, str]:
    finished = subprocess.run(
        [*as_sh(shell), str(situation.shim), "version"],
        cwd=situation.directory,
        env=situation.environ,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if finished.returncode:
        assert not finished.stdout
        return finished.returncode, os.fsdecode(finished.stderr)
    binary, goroot, *arguments = os.fsdecode(finished.stdout).splitlines()
    assert os.path.isabs(binary)
    assert (goroot, arguments) == ("none", ["version"])
    assert not finished.stderr
    return 0, os.path.realpath(binary)


def ask_python(situation: Built, tool: str) -> tuple[int, str]:
    environ = situation.environ
    named = tool not in {"go", "gofmt"}
    if named:
        environ, tool = environ | {"GVMPY_VERSION": tool}, "go"
    try:
        chosen = select(situation.home, environ, situation.directory, tool=tool)
    except GvmpyError as error:
        hint = f"hint: {error.hint}\n" if error.hint else ""
        said = f"gvmpy: {error.message}\n{hint}"
        return error.exit_code, said.replace("$GVMPY_VERSION", "the name `go1.22.3`") if named else said
    return 0, os.path.realpath(chosen.binary)
