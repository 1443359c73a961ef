"""What the checks look at, each part read when the first of them asks for it."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.config import Config, load
from gvmpy.errors import GvmpyError, UsageError
from gvmpy.goenv.settings import GoSettings
from gvmpy.selection.resolve import find_system_go, select
from gvmpy.selection.system import goroot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gvmpy.goenv.settings import Setting
    from gvmpy.home import Home
    from gvmpy.selection.resolve import Selection


class Patient:
    """A user on a machine. `directory` is where they stand, None where that is gone; `network` allows asking
    servers.
    """

    def __init__(
        self, home: Home, environ: Mapping[str, str], directory: Path | None, *, network: bool = False
    ) -> None:
        self.home = home
        self.environ = environ
        self.directory = directory
        self.network = network

    @cached_property
    def is_set_up(self) -> bool:
        """Whether gvmpy's root is there at all."""
        return self.home.root.is_dir()

    @cached_property
    def config_error(self) -> UsageError | None:
        """What is wrong with the settings, if anything."""
        try:
            load(self.environ)
        except UsageError as error:
            return error
        return None

    @cached_property
    def config(self) -> Config:
        """The settings, or the built-in ones where those cannot be read; offline stays offline."""
        if self.config_error is None:
            return load(self.environ)
        return Config(offline=self.environ.get("GVMPY_OFFLINE", "") not in {"", "0"})

    @cached_property
    def selection(self) -> Selection | None:
        """The Go that runs here, None where none does."""
        try:
            return select(self.home, self.environ, self.directory)
        except (GvmpyError, OSError):
            return None

    def setting(self, name: str) -> Setting | None:
        """Return Go's setting `name` as the Go that runs here reads it, None where nothing sets it."""
        return self._settings.get(name)

    @cached_property
    def _settings(self) -> GoSettings:
        return GoSettings(self.environ, self._goroots())

    def _goroots(self) -> Iterator[Path]:
        if self.selection is None:
            return
        goroot = self.selection.goroot
        if goroot is None:
            goroot = goroot_of(self.selection.binary)
        if goroot is not None:
            yield goroot

    @cached_property
    def user_home(self) -> Path | None:
        """The home directory as Go takes it."""
        home = self.environ.get("HOME", "")
        return Path(home) if os.path.isabs(home) else None

    @cached_property
    def system_go(self) -> Path | None:
        """The first `go` on PATH that is not ours."""
        return find_system_go(self.environ, self.home)
