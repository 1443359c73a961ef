"""Settings: a TOML file, each key with an environment override, unknown keys refused.

Precedence: environment, then the user's file, then the built-in default. The environment wins so that a CI
job or an administrator's wrapper needs no file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvmpy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUST_LEVELS = ("third-party", "pinned", "origin-sha256", "transparency-log", "signature")
"""How an installation was proven, weakest first."""

_LOCK_TIMEOUT = 300.0
"""Seconds: longer than a download over a slow line is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a command may be told from outside, parsed and checked."""

    sources: tuple[str, ...] = ("official", "goproxy")
    official_index: str = "https://go.dev/dl/?mode=json&include=all"
    mirrors: tuple[str, ...] = ("https://dl.google.com/go/",)
    goproxy: str = ""
    sumdb: str = ""
    trust_minimum: str = "third-party"
    cache: Path = Path()
    offline: bool = False
    lock_timeout: float = _LOCK_TIMEOUT


@dataclass(frozen=True, slots=True)
class _Key:
    """One setting: where it stands in the file, its environment override, its field, its shape."""

    name: str
    variable: str
    field: str
    is_list: bool = False


_KEYS = (
    _Key("sources.order", "GVMPY_SOURCES", "sources", is_list=True),
    _Key("official.index", "GVMPY_OFFICIAL_INDEX", "official_index"),
    _Key("official.mirrors", "GVMPY_MIRRORS", "mirrors", is_list=True),
    _Key("goproxy.url", "GVMPY_GOPROXY", "goproxy"),
    _Key("goproxy.sumdb", "GVMPY_GOSUMDB", "sumdb"),
    _Key("trust.minimum", "GVMPY_TRUST_MINIMUM", "trust_minimum"),
)


def load(environ: Mapping[str, str]) -> Config:
    """Return the settings in force. Raises UsageError naming the file, the line and the nearest known key."""
    values: dict[str, Any] = {}
    path = _config_path(environ)
    text = _read(path, required=bool(environ.get("GVMPY_CONFIG")))
    if text is not None:
        values |= _from_file(path, text)
    for key in _KEYS:
        override = environ.get(key.variable)
        if override:
            values[key.field] = _split(override) if key.is_list else override
    config = Config(
        **values,
        cache=_cache_path(environ),
        offline=environ.get("GVMPY_OFFLINE", "") not in {"", "0"},
        lock_timeout=_seconds(environ, "GVMPY_LOCK_TIMEOUT", _LOCK_TIMEOUT),
    )
    if config.trust_minimum not in TRUST_LEVELS:
        raise UsageError(
            f"unknown trust level {config.trust_minimum!r} in `trust.minimum`",
            hint=f"choose one of {', '.join(TRUST_LEVELS)}",
        )
    return config


def _config_path(environ: Mapping[str, str]) -> Path:
    chosen = environ.get("GVMPY_CONFIG")
    if chosen:
        return Path(chosen)
    from platformdirs import user_config_path

    return user_config_path("gvmpy") / "config.toml"


def _cache_path(environ: Mapping[str, str]) -> Path:
    chosen = environ.get("GVMPY_CACHE")
    if chosen:
        return Path(chosen).absolute()
    from platformdirs import user_cache_path

    return user_cache_path("gvmpy")


def _read(path: Path, *, required: bool) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise UsageError(f"`GVMPY_CONFIG` names `{path}`, which does not exist") from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read `{path}`: {error}") from error


def _from_file(path: Path, text: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"`{path}` is not valid TOML: {error}") from error
    known = {key.name: key for key in _KEYS}
    values: dict[str, Any] = {}
    for name, value in _flatten(document):
        if value == {} and any(key.startswith(f"{name}.") for key in known):
            continue
        key = known.get(name)
        if key is None:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"unknown key `{name}` in `{path}` line {_line_of(text, name)}",
                hint=f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}",
            )
        wanted = "a list of strings" if key.is_list else "a string"
        items = value if key.is_list and isinstance(value, list) else [value]
        if key.is_list != isinstance(value, list) or not all(isinstance(item, str) for item in items):
            raise UsageError(f"`{name}` in `{path}` line {_line_of(text, name)} must be {wanted}")
        values[key.field] = tuple(value) if key.is_list else value
    return values


def _flatten(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            flat += _flatten(value, f"{prefix}{name}.")
        else:
            flat.append((prefix + name, value))
    return flat


def _line_of(text: str, name: str) -> int:
    """Return the line that sets `name`; the parser keeps none, so look for the key's last part."""
    leaf = re.compile(rf"""^\s*(?:[\w."'-]+\.)?["']?{re.escape(name.rpartition(".")[2])}["']?\s*=""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if leaf.match(line)), 1)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"`{variable}` must be a number of seconds, not {text!r}")
    return value
