"""The benchmarks run, and each row measures what its name says; no figure is judged here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import install, shim, startup
from benchmarks.measure import Command, Proof, Row, measure, print_rows, run
from benchmarks.peers import find_peers
from benchmarks.program import Prepared
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"PATH": "/usr/bin:/bin"}
SHELLS = ("bash", "dash", "zsh", "fish")
VERBS = ("--version", "root", "list", "current", "which", "prompt")


def sh(script: str) -> Command:
    return Command(("/bin/sh", "-c", script), ENV)


def table(script: str, *options: str) -> dict[str, list[str]]:
    """Run one script once; return the cells of each row by the row's name. No row may lack its figures."""
    done = subprocess.run(
        [sys.executable, script, "--runs", "1", "--program", str(PROGRAM), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    headings, rule, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(headings) == len(rule)
    # Rows without figures, and why, if there are any.
    assert [line for line in done.stdout.splitlines() if not line.startswith("|")] == []
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert all(float(cell) < 1e6 for row in cells for cell in row[1:6])
    return {row[0]: row[1:] for row in cells}


def test_shim_knows_every_source_of_a_choice() -> None:
    assert list(table(shim.__file__)) == [
        "a script that only execs",
        "shim, .go-version, depth 1",
        "shim, .go-version, depth 10",
        "shim, prefix `1.22`, depth 1",
        "shim, .tool-versions, depth 1",
        "shim, go.mod, depth 1",
        "shim, go.mod, depth 10",
        "shim, go.work, depth 10",
        "shim, $GVMPY_VERSION",
        "shim, default, depth 10",
        "shims/go1.22.3",
        "links/go/bin/go",
    ]


def test_startup_loads_every_shell_and_asks_every_quick_command() -> None:
    rows = table(startup.__file__)
    for shell in SHELLS:
        for way in ("static file", "init by front", "init by script"):
            assert rows[f"{shell}, {way}"][-1] == f"{shell} -c :"
        assert rows[f"{shell}, use 1.22.3"][-1] == f"{shell}, static file"
    for verb in VERBS:
        for kind in ("front", "script"):
            assert rows[f"{verb}, {kind}"][-1] == "sh -c :"
    assert len(rows) == len(SHELLS) * 4 + len(VERBS) * 2 + 1


def test_install_stands_beside_the_tools_everybody_has() -> None:
    rows = table(install.__file__, "--what", "archive", "--quickly")
    assert [(name, cells[-1]) for name, cells in rows.items()] == [
        ("curl, sha256sum, tar", "itself"),
        ("gvmpy, archive", "curl, sha256sum, tar"),
    ]


def test_time_of_children_counts() -> None:
    loop = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"
    [one] = measure([Row("loop", sh(f"({loop}); :"), sh(":"), "sh -c :")], 3)
    assert one.added > one.cpu / 2


def test_row_that_is_not_what_its_name_says_has_no_figures(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("liar", sh("echo no"), sh(":"), "sh -c :", Proof(sh("echo no"), "yes"))
    failing = Row("failing", sh(":"), sh(":"), "sh -c :", Proof(sh("echo why >&2; exit 3"), ""))
    nowhere = Row("nowhere", Command(("/nonexistent/a",), ENV), sh(":"), "sh -c :")
    needing = Row("needing", sh(":"), sh(":"), "sh -c :", needs=["/nonexistent/b"])
    print_rows(measure([row, failing, nowhere, needing], 1))
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "no figures for `liar`: answers `no`, not `yes`",
        "no figures for `failing`: exit code 3: why",
        "no figures for `nowhere`: `/nonexistent/a` does not exist",
        "no figures for `needing`: `/nonexistent/b` does not exist",
    ]


def test_failure_ends_the_benchmark_with_what_was_said() -> None:
    with pytest.raises(SystemExit, match=r"failed with 3:\nwhy"):
        run(sh("echo why >&2; exit 3"))


def test_peers_that_are_not_here_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    peers = find_peers(Prepared(str(PROGRAM), tmp_path), tmp_path)
    assert list(peers.found) == []
    assert [note.partition(":")[0] for note in peers.notes] == [
        "pyenv",
        "goenv",
        "mise",
        "GOTOOLCHAIN",
        "golang.org/dl",
    ]
