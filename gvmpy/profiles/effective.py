"""What Go's settings would be with a profile in use, whichever one is in use now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gvmpy.errors import HostError
from gvmpy.goenv.envfile import EnvFile, env_file_path, read_env_file
from gvmpy.goenv.settings import GoSettings
from gvmpy.profiles.exports import OWN
from gvmpy.profiles.record import mode_of, read_record, undo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gvmpy.home import Home
    from gvmpy.profiles.model import Profile


class Effective:
    """The profile's own values; behind them the environment, the file and go.env, without what profiles did.

    `goroots` as for GoSettings. Raises HostError when the record of a profile's doing is damaged.
    """

    def __init__(
        self, home: Home, profile: Profile, environ: Mapping[str, str], goroots: Iterable[Path]
    ) -> None:
        self._profile = profile
        self._environ = {
            name: value for name, value in environ.items() if value and value != environ.get(f"{OWN}{name}")
        }
        self._file = _file_without_profiles(home, environ)
        self._rest = GoSettings({"GOENV": "off"}, goroots)

    def get(self, name: str) -> str:
        """Return the value of `name`, empty where nothing sets it."""
        value = self._profile.settings.get(name) or self._environ.get(name)
        if value:
            return value
        line = self._file.get(name)
        if line is not None:
            return line.value
        setting = self._rest.get(name)
        return setting.value if setting else ""

    def environment(self) -> dict[str, str]:
        """Return the environment in which the profile's own proxies count."""
        return {**self._environ, **self._profile.settings}


def _file_without_profiles(home: Home, environ: Mapping[str, str]) -> EnvFile:
    path = env_file_path(environ)
    if path is None:
        return EnvFile()
    try:
        content = read_env_file(path)
    except HostError:
        return EnvFile()
    change = read_record(home).current
    if change is None or Path(change.file) != path.absolute():
        return content
    return undo(content, mode_of(path), change).content
