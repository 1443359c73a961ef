"""Changing the settings' file by hand and by command, so that comments, order and layout stay as they were.

Reading for work is gvmpy.config's, with tomllib; tomlkit, which keeps what people wrote, is slower and is
imported only to write.
"""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gvmpy.config import KEYS, Config, check_choice, config_path, line_of, overrides, parse, read
from gvmpy.errors import HostError, UsageError
from gvmpy.files import make_private, refuse_foreign, write_atomic
from gvmpy.proxies import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gvmpy.config import Key, Value

_PERMISSIONS = 0o7777
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, the value in force, and where that is from: a variable, a line of the file, or neither for the
    built-in default.
    """

    key: Key
    value: Value
    variable: str | None = None
    file: Path | None = None
    line: int | None = None

    @property
    def origin(self) -> str:
        """The same in one word, for programs."""
        return "environment" if self.variable else "file" if self.file else "default"

    @property
    def place(self) -> str:
        """The same for people."""
        return f"{self.file} line {self.line}" if self.file else self.variable or self.origin


def find_key(word: str) -> Key:
    """Return the key called `word`, in full or by its last part. Raises UsageError with the nearest name."""
    found = [key for key in KEYS if word in {key.name, _short(key)}]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"`{word}` may be {' or '.join(f'`{key.name}`' for key in found)}")
    names = {name: key.name for key in KEYS for name in (_short(key), key.name)}
    near = difflib.get_close_matches(word, names, n=1)
    raise UsageError(
        f"unknown key `{word}`",
        hint=f"did you mean `{names[near[0]]}`?"
        if near
        else f"known keys: {', '.join(key.name for key in KEYS)}",
    )


def settings(environ: Mapping[str, str]) -> list[Setting]:
    """Return every setting in force. Raises UsageError as gvmpy.config.load does."""
    path = config_path(environ)
    text = read(path, required=bool(environ.get("GVMPY_CONFIG"))) or ""
    written, overriding, defaults = parse(path, text), overrides(environ), Config()
    found = []
    for key in KEYS:
        if key in overriding:
            found.append(Setting(key, overriding[key], variable=key.variable))
        elif key in written:
            found.append(Setting(key, written[key], file=path, line=line_of(text, key.name)))
        else:
            found.append(Setting(key, getattr(defaults, key.field)))
        check_choice(key, found[-1].value)
    return found


def assign(path: Path, key: Key, value: Value) -> None:
    """Set `key` to `value` in the file `path`, which need not exist yet.

    Raises UsageError when the file as it is, or as it would be, cannot be read; HostError when it cannot be
    written.
    """
    import tomlkit

    text = content(path)
    before, document = _open(path, text)
    *tables, leaf = key.name.split(".")
    section, missing = document, list[str]()
    for name in tables:
        if missing or name not in section:
            missing.append(name)
        else:
            section = section[name]
    if missing:
        # From the innermost outwards: a table that is filled before it is hung in keeps its layout.
        inner: Any = tomlkit.table()
        inner[leaf] = _plain(value)
        for name in reversed(missing[1:]):
            outer = tomlkit.table(is_super_table=True)
            outer[name] = inner
            inner = outer
        section[missing[0]] = inner
    else:
        section[leaf] = _plain(value)
    _commit(path, text, tomlkit.dumps(document), before | {key: value})


def remove(path: Path, key: Key) -> bool:
    """Take `key` out of the file `path`, with a table that is empty then; say whether it was there.

    Raises as `assign` does.
    """
    import tomlkit

    text = content(path)
    before, document = _open(path, text)
    if key not in before:
        return False
    *tables, leaf = key.name.split(".")
    sections = [document]
    for name in tables:
        sections.append(sections[-1][name])
    del sections[-1][leaf]
    for name, outer, inner in zip(reversed(tables), sections[-2::-1], sections[:0:-1], strict=True):
        if not inner and not tomlkit.dumps(inner).strip():
            del outer[name]
    _commit(path, text, tomlkit.dumps(document), {k: v for k, v in before.items() if k != key})
    return True


def content(path: Path) -> str:
    """Return the file's text with its own line ends, empty when there is none. Raises UsageError."""
    read(path, required=False)
    return path.read_bytes().decode() if path.exists() else ""


def check(path: Path, text: str) -> dict[Key, Value]:
    """Return the settings of `text`, which is to be the file `path`. Raises UsageError as load() would."""
    values = parse(path, text)
    for key, value in values.items():
        check_choice(key, value)
    return values


def check_address(url: str) -> None:
    """Raise UsageError for a URL that would never be asked: https, http on loopback, or a file."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise UsageError(f"{url!r} is no URL") from None
    if parts.scheme == "file" or (parts.scheme == "http" and is_loopback(host)):
        return
    if parts.scheme != "https" or not host:
        raise UsageError(f"{url!r} is not an https URL")


def save(path: Path, text: str, *, was: str, private: bool = False) -> None:
    """Make `text` the file's content, through a symbolic link, in the mode it has; a new file is private, and
    with `private` any.

    Raises HostError when that is impossible, or when the file no longer holds `was`.
    """
    target = Path(os.path.realpath(path))
    refuse_foreign(target, "run gvmpy as that user, or set GVMPY_CONFIG to a file of root's own")
    if content(target) != was:
        raise HostError(f"`{path}` was changed by somebody else in the meantime", hint="try again")
    try:
        make_private(target.parent)
        kept = target.exists() and not private
        mode = stat.S_IMODE(target.stat().st_mode) & _PERMISSIONS if kept else _PRIVATE
        write_atomic(target, text.encode(), mode=mode)
    except OSError as error:
        raise HostError(f"cannot write `{path}`: {error.strerror}") from error


def _short(key: Key) -> str:
    return key.name.rpartition(".")[2]


def _plain(value: Value) -> str | float | list[str]:
    return list(value) if isinstance(value, tuple) else value


def _open(path: Path, text: str) -> tuple[dict[Key, Value], Any]:
    """Return what the file says and its document. A file with a mistake is for `gvmpy config edit`."""
    import tomlkit

    try:
        return parse(path, text), tomlkit.parse(text)
    except UsageError as error:
        raise UsageError(error.message, hint=error.hint or "gvmpy config edit") from error
    except tomlkit.exceptions.TOMLKitError as error:
        raise UsageError(f"cannot change `{path}` in place: {error}", hint="gvmpy config edit") from error


def _commit(path: Path, was: str, text: str, wanted: Mapping[Key, Value]) -> None:
    """Save `text` if it says just what it should; an odd file may be more than tomlkit can change."""
    if check(path, text) != wanted:
        raise UsageError(f"cannot change `{path}` in place", hint="gvmpy config edit")
    save(path, text, was=was)
