"""The layout on disk: the contract between this program and the shell shims.

versions/go1.22.3/          a pristine GOROOT
versions/.incoming/         staging, and trees on their way out; same file system
receipts/go1.22.3.json      written last: no receipt means not installed
links/go                    the default
shims/                      go, gofmt, gvmpy, and go1.22.3 for each version
shell/                      the init texts, for rc files to source
backups/                    rc files as they were before each edit
hooks/pre-switch.d/         the user's own programs, run before a switch; post-switch.d after it
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.files import make_private, refuse_foreign
from gvmpy.root import root_path
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Home:
    """Every path below the root, by name. Holding one neither reads nor writes anything."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Home:
        """Return the home that $GVMPY_ROOT or the home directory names. Raises HostError for neither."""
        try:
            return cls(Path(root_path(environ)))
        except ValueError as error:
            raise HostError(str(error), hint="export GVMPY_ROOT=/path/to/a/directory/of/yours") from None

    @property
    def versions(self) -> Path:
        """Installed toolchains, one GOROOT each."""
        return self.root / "versions"

    @property
    def incoming(self) -> Path:
        """Staging: what is below may be swept by any later install."""
        return self.versions / ".incoming"

    @property
    def receipts(self) -> Path:
        """One receipt for each installation."""
        return self.root / "receipts"

    @property
    def links(self) -> Path:
        """The default and the user's aliases."""
        return self.root / "links"

    @property
    def default_link(self) -> Path:
        """The default toolchain, and the path GoLand's SDK points to."""
        return self.links / "go"

    @property
    def shims(self) -> Path:
        """The directory that stands first on PATH."""
        return self.root / "shims"

    @property
    def shell(self) -> Path:
        """The init texts, rendered, so that an rc file can source one instead of starting a program."""
        return self.root / "shell"

    @property
    def backups(self) -> Path:
        """Files of the user's as they were before gvmpy edited them; made when first needed."""
        return self.root / "backups"

    @property
    def hooks(self) -> Path:
        """The user's own hooks, a directory for each stage; gvmpy writes nothing there."""
        return self.root / "hooks"

    @property
    def locks(self) -> Path:
        """Lock files; empty, and kept."""
        return self.root / "locks"

    @property
    def state(self) -> Path:
        """What is remembered between runs: the switches so far, the newest signed tree heads."""
        return self.root / "state"

    def goroot(self, version: GoVersion) -> Path:
        """Return where the tree of `version` stands, installed or not."""
        return self.versions / version.name

    def receipt(self, version: GoVersion) -> Path:
        """Return the file whose presence makes `version` installed."""
        return self.receipts / f"{version.name}.json"

    def is_installed(self, version: GoVersion) -> bool:
        """Whether both the tree and its receipt are there; the shim asks the same two questions."""
        return self.receipt(version).is_file() and os.access(self.goroot(version) / "bin" / "go", os.X_OK)

    def installed(self) -> list[GoVersion]:
        """Return the installed versions, oldest first. A home that does not exist yet has none."""
        return [version for version in self.recorded() if self.is_installed(version)]

    def recorded(self) -> list[GoVersion]:
        """Return the versions that have a receipt, oldest first, whether or not their `go` can be run."""
        try:
            names = os.listdir(self.receipts)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError as error:
            raise HostError(f"cannot read `{self.receipts}`: {error.strerror}") from error
        found = []
        for name in names:
            stem, dot, suffix = name.rpartition(".")
            if not dot or suffix != "json" or not stem.startswith("go"):
                continue
            try:
                version = GoVersion.parse(stem)
            except ValueError:
                continue
            if version.name == stem and self.receipt(version).is_file():
                found.append(version)
        return sorted(found)

    def prepare(self) -> None:
        """Make the directories a writing command needs, readable by their owner alone.

        Raises HostError when that is impossible, or when root would write into somebody else's home.
        """
        refuse_foreign(self.root, "run gvmpy as that user, or set GVMPY_ROOT to a directory of root's own")
        try:
            make_private(self.root)
            for directory in (
                self.versions,
                self.incoming,
                self.receipts,
                self.links,
                self.shims,
                self.shell,
                self.locks,
                self.state,
            ):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(
                f"cannot write below `{self.root}`: {error.strerror}",
                hint="set GVMPY_ROOT to a directory you may write to",
            ) from error
