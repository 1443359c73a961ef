"""What every command starts from: the environment, the layout, the settings."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from gvmpy.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gvmpy.config import Config
    from gvmpy.goenv.settings import GoSettings
    from gvmpy.net import Network
    from gvmpy.releases.model import Context


class World:
    """The surroundings of one run, read when first asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.home = Home.from_environment(environ)

    @cached_property
    def config(self) -> Config:
        """The settings in force."""
        from gvmpy.config import load

        return load(self.environ)

    @cached_property
    def settings(self) -> GoSettings:
        """Go's own settings."""
        from gvmpy.goenv.settings import GoSettings

        return GoSettings(self.environ, self.goroots())

    def network(self) -> Network:
        """Return a new connection pool, to be closed by its `with` block."""
        from gvmpy.goenv.credentials import Credentials
        from gvmpy.net import Network

        credentials = Credentials(self.settings, self.environ)
        return Network(self.environ, offline=self.config.offline, authorizer=credentials)

    def sources(self, network: Network, *, list_age: float = 0.0) -> Context:
        """Return what sources need to know; a list younger than `list_age` seconds is not asked for again."""
        from gvmpy.releases.model import Context

        return Context(self.config, network, self.home, self.settings, self.environ, list_age=list_age)

    def goroots(self) -> Iterator[Path]:
        """Yield the GOROOTs on this machine whose go.env may name a proxy: the system's, then ours."""
        from gvmpy.selection.resolve import find_system_go
        from gvmpy.selection.system import goroot_of

        system = find_system_go(self.environ, self.home)
        if system is not None and (goroot := goroot_of(system)) is not None:
            yield goroot
        for version in reversed(self.home.installed()):
            yield self.home.goroot(version)


def here(*, offline: bool = False) -> World:
    """Return the world of this process; `offline`: as if GVMPY_OFFLINE=1 were set."""
    return World({**os.environ, "GVMPY_OFFLINE": "1"} if offline else os.environ)
