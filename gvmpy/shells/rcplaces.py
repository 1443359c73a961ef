"""Which files a shell reads when it starts, and which of them `gvmpy init --install` puts its block into."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import HostError, UsageError
from gvmpy.shells.detect import SHELLS, parent_shell, shell_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BASH_LOGIN = (".bash_profile", ".bash_login", ".profile")
"""A login bash reads the first of these that is there, and no other (bash(1), INVOCATION)."""
_LOOKED_AT = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """An rc file, spelled as the user knows it, and the shell whose language its block is written in."""

    path: str
    shell: str


def default_shell(environ: Mapping[str, str]) -> str:
    """Return the shell that will start next time, by $SHELL; else the one that started this process."""
    return shell_name(environ.get("SHELL", "")) or parent_shell()


def places(shells: Iterable[str], environ: Mapping[str, str]) -> tuple[Place, ...]:
    """Return the rc files of `shells` that the block goes into, each once.

    Raises UsageError for a shell that is not known, HostError where there is no home directory.
    """
    return _once(places[0] for places in _all(shells, environ))


def former_places(shells: Iterable[str], environ: Mapping[str, str]) -> tuple[Place, ...]:
    """Return the rc files of `shells` that the block may have gone into, in whatever state they were then."""
    return _once(places[1] for places in _all(shells, environ))


_Places = tuple[Place, ...]


def _once(groups: Iterable[_Places]) -> _Places:
    found: dict[str, Place] = {}
    for place in (place for group in groups for place in group):
        found.setdefault(place.path, place)
    return tuple(found.values())


def _all(shells: Iterable[str], environ: Mapping[str, str]) -> Iterator[tuple[_Places, _Places]]:
    """Yield for each shell the places of now, and those that may have been."""
    home = _home(environ)
    for name in shells:
        shell = shell_name(name)
        if shell is None:
            known = ", ".join(SHELLS)
            raise UsageError(f"no rc file is known for the shell {name!a}", hint=f"name one of: {known}")
        if shell == "bash":
            yield _of_bash(home)
        elif shell in {"zsh", "fish", "yash"}:
            place = (_of_its_own(shell, home, environ),)
            yield place, place
        else:
            usual = (_of_sh(shell, home),)
            named = _named_by_env(home, environ)
            yield ((named,), (named, *usual)) if named else (usual, usual)


def _of_its_own(shell: str, home: str, environ: Mapping[str, str]) -> Place:
    """Return the one file of a shell that goes by its own rules."""
    if shell == "zsh":
        return Place(os.path.join(home, environ.get("ZDOTDIR") or "", ".zshrc"), shell)
    if shell == "yash":
        return Place(os.path.join(home, ".yashrc"), shell)
    config = environ.get("XDG_CONFIG_HOME") or ""
    if not os.path.isabs(config):
        config = os.path.join(home, ".config")
    return Place(os.path.join(config, "fish", "conf.d", "gvmpy.fish"), shell)


def _of_sh(shell: str, home: str) -> Place:
    """Return the file that an interactive ksh reads without $ENV, or a login sh."""
    if shell == "mksh":
        return Place(os.path.join(home, ".mkshrc"), shell)
    if shell in {"ksh", "ksh93"}:
        return Place(os.path.join(home, ".kshrc"), "ksh")
    return Place(os.path.join(home, ".profile"), "sh")


def _of_bash(home: str) -> tuple[_Places, _Places]:
    """Return ~/.bashrc, and with it the login file if there is one that does not read ~/.bashrc itself."""
    rc = Place(os.path.join(home, ".bashrc"), "bash")
    # ~/.profile is read by every sh.
    logins = [
        Place(os.path.join(home, name), "sh" if name == ".profile" else "bash")
        for name in _BASH_LOGIN
        if os.path.lexists(os.path.join(home, name))
    ]
    needs_login = bool(logins) and not _mentions_bashrc(home, os.path.basename(logins[0].path))
    return (rc, *logins[:needs_login]), (rc, *logins)


def _mentions_bashrc(home: str, login: str) -> bool:
    """Whether a line of `login` that is no comment speaks of .bashrc, or of a .profile which does so.

    Nothing is lost by being wrong in doubt: a block that is read twice does its work once.
    """
    try:
        with open(os.open(os.path.join(home, login), os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            text = stream.read(_LOOKED_AT)
    except OSError:
        return False  # whoever edits the file says what is wrong with it
    lines = [line.strip() for line in text.splitlines()]
    code = b"\n".join(line for line in lines if not line.startswith(b"#"))
    if b".bashrc" in code:
        return True
    return login != ".profile" and b"/.profile" in code and _mentions_bashrc(home, ".profile")


def _named_by_env(home: str, environ: Mapping[str, str]) -> Place | None:
    """Return the file that $ENV names, which interactive shells read (POSIX XCU sh, ENV). Its value may begin
    with `$HOME` or `~`; one that needs more of a shell to be understood counts as none.
    """
    value = environ.get("ENV", "")
    for spelled in ("${HOME}/", "$HOME/", "~/"):
        if value.startswith(spelled):
            return Place(os.path.join(home, value.removeprefix(spelled)), "sh")
    if not os.path.isabs(value) or "$" in value or "`" in value:
        return None
    return Place(value, "sh")


def _home(environ: Mapping[str, str]) -> str:
    home = environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise HostError("there is no home directory with rc files", hint="export HOME=/path/to/it")
    return home
