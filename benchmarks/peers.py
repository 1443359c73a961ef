"""Other version managers, set up beside gvmpy's home with the same Go, each where it can be had.

Everything goes into a scratch directory: what the user has of them is run, and not written to. A peer that is
not here is a note below the table, never a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.program import CHOSEN, PATH, Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NODE_NAMES = {"x86_64": "x64", "aarch64": "arm64"}
_GOENV = "github.com/go-nv/goenv"
_WRAPPER = f"golang.org/dl/go{CHOSEN}"


@dataclass(frozen=True)
class Peer:
    """One manager: its stand-in for `go`, the files of a project that choose CHOSEN, its other commands.

    `init` is a line for bash's rc file; `verbs` are argument lists by the name of gvmpy's verb for the same.
    """

    name: str
    env: Mapping[str, str]
    shim: str
    pin: Mapping[str, str] = field(default_factory=dict)
    init: str = ""
    verbs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Peers:
    """Those that are here, and a sentence for each that is not."""

    found: Sequence[Peer] = ()
    notes: Sequence[str] = ()

    def print_notes(self) -> None:
        """Print why some are not in the table."""
        for note in self.notes:
            print(f"not measured: {note}")


class _AbsentError(Exception):
    """This peer cannot be had here; the text says why."""


def find_peers(made: Prepared, scratch: Path) -> Peers:
    """Set up all that can be had, in `scratch`; npm and the go command fetch some, in a few seconds each."""
    found, notes = [], []
    for name, find in (
        ("pyenv", _pyenv),
        ("goenv", _goenv),
        ("mise", _mise),
        ("GOTOOLCHAIN", _gotoolchain),
        ("golang.org/dl", _wrapper),
    ):
        directory = scratch / name.replace("/", "-")
        directory.mkdir()
        try:
            found.append(find(made, directory))
        except _AbsentError as absent:
            notes.append(f"{name}: {absent}")
    return Peers(found, notes)


def _pyenv(made: Prepared, scratch: Path) -> Peer:
    """Return the user's pyenv with a root of its own, in which Go is the Python: its shims do not care."""
    root = os.environ.get("PYENV_ROOT")
    program = (root and shutil.which("pyenv", path=f"{root}/bin")) or shutil.which("pyenv")
    if not program:
        raise _AbsentError("not on PATH, nor below $PYENV_ROOT")
    return _of_rbenv_family("pyenv", program, made, scratch, pin=".python-version")


def _goenv(made: Prepared, scratch: Path) -> Peer:
    program = shutil.which("goenv")
    if not program:
        program = _go_install(f"{_GOENV}@latest", scratch)
    return _of_rbenv_family("goenv", program, made, scratch, pin=".go-version")


def _of_rbenv_family(name: str, program: str, made: Prepared, scratch: Path, *, pin: str) -> Peer:
    root = scratch / "root"
    (root / "versions").mkdir(parents=True)
    (root / "versions" / CHOSEN).symlink_to(made.goroot(CHOSEN))
    path = f"{root}/shims:{Path(program).parent}:{PATH}"
    env = {**made.env, f"{name.upper()}_ROOT": str(root), "PATH": path}
    _do([program, "rehash"], env)
    version = _do([program, "--version"], env)
    verbs = {"list": [program, "versions"], "--version": [program, "--version"]}
    init = f'eval "$({program} init -)"'
    return Peer(version, env, str(root / "shims" / "go"), {pin: f"{CHOSEN}\n"}, init, verbs)


def _mise(made: Prepared, scratch: Path) -> Peer:
    """Return mise from npm: the package of this platform, whose binary the package `mise` would copy."""
    npm = shutil.which("npm")
    if not npm:
        raise _AbsentError("no `npm` is on PATH to install it with")
    package = f"@jdxcode/mise-{sys.platform}-{_NODE_NAMES.get(os.uname().machine, os.uname().machine)}"
    _do([npm, "install", "--silent", "--ignore-scripts", "--prefix", str(scratch), package], os.environ)
    mise = str(scratch / "node_modules" / package / "bin" / "mise")
    directories = {f"MISE_{what}_DIR": str(scratch / what) for what in ("DATA", "CONFIG", "CACHE", "STATE")}
    shims = scratch / "DATA" / "shims"
    env = {**made.env, **directories, "MISE_OFFLINE": "1", "PATH": f"{Path(mise).parent}:{PATH}"}
    _do([mise, "link", f"go@{CHOSEN}", str(made.goroot(CHOSEN))], env)
    _do([mise, "reshim"], env)
    version = _do([mise, "--version"], env).split()[0]
    verbs = {"list": [mise, "list"], "--version": [mise, "--version"]}
    pin = {".tool-versions": f"go {CHOSEN}\n"}
    return Peer(f"mise {version}", env, str(shims / "go"), pin, f'eval "$({mise} activate bash)"', verbs)


def _gotoolchain(made: Prepared, scratch: Path) -> Peer:
    """Return the go command that hands on by itself, to a toolchain it finds on PATH before it downloads."""
    go = shutil.which("go")
    if not go:
        raise _AbsentError("no `go` is on PATH")
    (scratch / f"go{CHOSEN}").symlink_to(made.goroot(CHOSEN) / "bin" / "go")
    env = {**made.env, "GOTOOLCHAIN": f"go{CHOSEN}", "PATH": f"{scratch}:{PATH}"}
    own = _do([go, "version"], {**env, "GOTOOLCHAIN": "local"}).split()[2]
    return Peer(f"GOTOOLCHAIN, {own} hands on", env, go)


def _wrapper(made: Prepared, scratch: Path) -> Peer:
    """Return the wrapper `go1.22.3` of golang.org/dl; a GOROOT in its place of links serves it as well."""
    program = _go_install(f"{_WRAPPER}@latest", scratch)
    goroot = scratch / "sdk" / f"go{CHOSEN}"
    goroot.mkdir(parents=True)
    for entry in made.goroot(CHOSEN).iterdir():
        (goroot / entry.name).symlink_to(entry)
    (goroot / ".unpacked-success").touch()
    return Peer(f"golang.org/dl/go{CHOSEN}", {**made.env, "HOME": str(scratch)}, program)


def _go_install(package: str, scratch: Path) -> str:
    """Build the command `package` with the machine's own settings; return the path of the only binary."""
    go = shutil.which("go")
    if not go:
        raise _AbsentError("no `go` is on PATH to build it with")
    modules = {"GOPATH": str(scratch / "gopath"), "GOBIN": str(scratch / "bin"), "GOFLAGS": "-modcacherw"}
    _do([go, "install", package], {**os.environ, **modules})
    return str(next((scratch / "bin").iterdir()))


def _do(command: list[str], env: Mapping[str, str]) -> str:
    """Run a step of a set-up; return what it printed. What fails makes the peer absent."""
    try:
        done = subprocess.run(
            command,
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _AbsentError(str(error)) from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise _AbsentError(f"`{Path(command[0]).name} {command[1]}` failed: {said[:300]}")
    return done.stdout.strip()
