"""A day with gvmpy in each shell: set up once, a default, another version here, a build through the shim."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import NEW, OLD
from tests.conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import User

MAIN = """\
package main

import (
	"fmt"
	"runtime"
)

func main() { fmt.Println(runtime.Version()) }
"""

SESSION = f"""\
set -eu
eval "$('{PROGRAM}' init -)"
eval "$('{PROGRAM}' init -)"
gvmpy use {OLD} --default
command -v go
go version
gvmpy use {NEW}
go version
cd project
go build -o hello .
./hello
go vet ./...
gvmpy use -
go version
gvmpy exec 1.22 -- sh -c 'go version'
gvmpy use --unset
echo {NEW} >.go-version
go version
rm .go-version
gofmt -l .
if gvmpy use 1.99.0; then echo unexpected; else echo "refused $?"; fi
go version
"""


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build cache that the shells share: compiling the library is not what is tested."""
    return tmp_path_factory.mktemp("builds")


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "dash"])
def test_a_day(person: User, shell: str, builds: Path) -> None:
    path = shutil.which(shell)
    assert path, f"{shell} is not on PATH: install it, the shells are what is tested here"
    project = person.home / "project"
    project.mkdir()
    (project / "main.go").write_text(MAIN)
    (project / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
    result = subprocess.run(
        [path, "-c", SESSION],
        env=person.env | {"GOTOOLCHAIN": "local", "GOROOT": "/stale", "GOCACHE": str(builds)},
        cwd=person.home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr

    def answer(version: str) -> str:
        return f"go version go{version} {_platform()}"

    assert result.stdout.splitlines() == [
        f"the default is now {OLD} ({person.root}/links/go)",
        f"{person.root}/shims/go",
        answer(OLD),
        answer(NEW),
        f"go{NEW}",
        answer(OLD),
        answer(NEW),
        answer(NEW),
        "refused 3",
        answer(OLD),
    ]
    assert "go1.99.0 is not installed" in result.stderr or "1.99.0 is not installed" in result.stderr


def _platform() -> str:
    from gvmpy.platform import host

    return f"{host().os}/{host().arch}"
