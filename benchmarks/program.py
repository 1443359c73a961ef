"""gvmpy as users have it: installed from a wheel, with a home that holds real toolchains.

In a development environment httpx finds more packages to import at its start than users have.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import toolchains
from tests.support.loopback import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CHECKOUT = Path(__file__).resolve().parent.parent

CHOSEN = "1.22.3"
DEFAULT = "1.21.6"
PATH = "/usr/bin:/bin"


@contextlib.contextmanager
def installed_program(given: str | None = None) -> Iterator[str]:
    """Install gvmpy into a new virtual environment; yield the path of its console script, or of `given`."""
    if given:
        yield os.path.abspath(given)
        return
    with tempfile.TemporaryDirectory(prefix="gvmpy-bench-venv-") as directory:
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        python = Path(directory, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(_CHECKOUT)], check=True)
        subprocess.run([python, "-m", "compileall", "-q", directory], check=False)
        yield str(Path(directory, "bin", "gvmpy"))


def memory_directory() -> str | None:
    """Return where a tmpfs is, whose times depend on no disk and on nothing deleted before; None: nowhere."""
    shm = "/dev/shm"
    usable = os.access(shm, os.W_OK) and not os.statvfs(shm).f_flag & os.ST_NOEXEC
    return shm if usable else None


@dataclass(frozen=True)
class Prepared:
    """A home directory with two real toolchains: CHOSEN, and DEFAULT which is the default."""

    program: str
    home: Path

    @property
    def env(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "PATH": PATH}

    @property
    def root(self) -> Path:
        return self.home / ".gvmpy"

    def goroot(self, version: str) -> Path:
        return self.root / "versions" / f"go{version}"

    def directory(self, name: str, files: Mapping[str, str], *, depth: int) -> str:
        """Make a project with `files`; return the directory that lies `depth` below it."""
        project = self.home / "projects" / name
        deep = project.joinpath(*(str(level) for level in range(depth)))
        deep.mkdir(parents=True)
        for file, content in files.items():
            (project / file).write_text(content)
        return str(deep)


@contextlib.contextmanager
def prepared(program: str) -> Iterator[Prepared]:
    """Install two toolchains with `program` into a new home, from a server on loopback."""
    with tempfile.TemporaryDirectory(prefix="gvmpy-bench-", dir=memory_directory()) as directory:
        made = Prepared(program, Path(directory))
        with serve() as site:
            toolchains.serve_official(site, [toolchains.fetch(version) for version in (CHOSEN, DEFAULT)])
            settings = {
                "GVMPY_SOURCES": "official",
                "GVMPY_OFFICIAL_INDEX": f"{site.base}/dl/",
                "GVMPY_MIRRORS": f"{site.base}/mirror/",
            }
            for command in (["install", CHOSEN, DEFAULT], ["use", DEFAULT, "--default"]):
                subprocess.run(
                    [program, *command], env={**made.env, **settings}, check=True, capture_output=True
                )
        yield made
