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

MISSING = ("error", "install")
"""What a shim does for a version that is chosen and not installed."""

_LOCK_TIMEOUT = 300.0
"""Seconds: longer than a download over a slow line is worth waiting for."""

_MIRROR_TIMEOUT = 10.0
"""Seconds: a mirror that is silent for longer is worse than the next one."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a command may be told from outside, parsed and checked."""

    sources: tuple[str, ...] = ("official", "goproxy")
    official_index: str = "https://go.dev/dl/?mode=json&include=all"
    mirrors: tuple[str, ...] = ("https://dl.google.com/go/",)
    trusted_indexes: tuple[str, ...] = ()
    goproxy: str = ""
    sumdb: str = ""
    trust_minimum: str = "third-party"
    missing: str = "error"
    cache: Path = Path()
    offline: bool = False
    lock_timeout: float = _LOCK_TIMEOUT
    mirror_timeout: float = _MIRROR_TIMEOUT


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands in the file, its environment override, its field, its shape.

    `choices` are the only words it may hold, `what` the word for one of them; none for free text.
    """

    name: str
    variable: str
    field: str
    is_list: bool = False
    choices: tuple[str, ...] = ()
    what: str = ""


KEYS = (
    Key("sources.order", "GVMPY_SOURCES", "sources", is_list=True),
    Key("official.index", "GVMPY_OFFICIAL_INDEX", "official_index"),
    Key("official.mirrors", "GVMPY_MIRRORS", "mirrors", is_list=True),
    Key("official.trusted", "GVMPY_OFFICIAL_TRUSTED", "trusted_indexes", is_list=True),
    Key("goproxy.url", "GVMPY_GOPROXY", "goproxy"),
    Key("goproxy.sumdb", "GVMPY_GOSUMDB", "sumdb"),
    Key("trust.minimum", "GVMPY_TRUST_MINIMUM", "trust_minimum", choices=TRUST_LEVELS, what="trust level"),
    Key("switch.missing", "GVMPY_MISSING", "missing", choices=MISSING, what="action"),
)

Value = str | tuple[str, ...]
"""What a setting holds; a tuple where its key is a list."""


def load(environ: Mapping[str, str]) -> Config:
    """Return the settings in force. Raises UsageError naming the file, the line and the nearest known key."""
    values: dict[str, Any] = {}
    path = config_path(environ)
    text = read(path, required=bool(environ.get("GVMPY_CONFIG")))
    if text is not None:
        values |= {key.field: value for key, value in parse(path, text).items()}
    values |= {key.field: value for key, value in overrides(environ).items()}
    config = Config(
        **values,
        cache=_cache_path(environ),
        offline=environ.get("GVMPY_OFFLINE", "") not in {"", "0"},
        lock_timeout=_seconds(environ, "GVMPY_LOCK_TIMEOUT", _LOCK_TIMEOUT),
        mirror_timeout=_seconds(environ, "GVMPY_MIRROR_TIMEOUT", _MIRROR_TIMEOUT),
    )
    for key in KEYS:
        check_choice(key, getattr(config, key.field))
    return config


def overrides(environ: Mapping[str, str]) -> dict[Key, Value]:
    """Return the settings that variables make; an empty variable makes none."""
    return {key: from_words(key, text) for key in KEYS if (text := environ.get(key.variable))}


def from_words(key: Key, text: str) -> Value:
    """Return what `text` means for `key`, in a variable or on a command line: lists are comma-separated."""
    return _split(text) if key.is_list else text


def check_choice(key: Key, value: Value) -> None:
    """Raise UsageError when `key` knows a few words only and `value` is none of them."""
    if key.choices and value not in key.choices:
        raise UsageError(
            f"unknown {key.what} {value!r} in `{key.name}`", hint=f"choose one of {', '.join(key.choices)}"
        )


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the settings' file is, or would be: $GVMPY_CONFIG, else the user's own."""
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


def read(path: Path, *, required: bool) -> str | None:
    """Return the file's text, None when there is no file. Raises UsageError when it cannot be read, or is
    `required`, because a variable names it, and missing.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise UsageError(f"`GVMPY_CONFIG` names `{path}`, which does not exist") from None
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read `{path}`: {error}") from error


def parse(path: Path, text: str) -> dict[Key, Value]:
    """Return the settings that `text`, the content of `path`, makes.

    Raises UsageError for what is no TOML, an unknown key, or a value of another type.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"`{path}` is not valid TOML: {error}") from error
    known = {key.name: key for key in KEYS}
    values: dict[Key, Value] = {}
    for name, value in _flatten(document):
        if value == {} and any(key.startswith(f"{name}.") for key in known):
            continue
        key = known.get(name)
        if key is None:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"unknown key `{name}` in `{path}` line {line_of(text, name)}",
                hint=f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(known))}",
            )
        wanted = "a list of strings" if key.is_list else "a string"
        items = value if key.is_list and isinstance(value, list) else [value]
        if key.is_list != isinstance(value, list) or not all(isinstance(item, str) for item in items):
            raise UsageError(f"`{name}` in `{path}` line {line_of(text, name)} must be {wanted}")
        values[key] = tuple(value) if key.is_list else value
    return values


def _flatten(document: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            flat += _flatten(value, f"{prefix}{name}.")
        else:
            flat.append((prefix + name, value))
    return flat


def line_of(text: str, name: str) -> int:
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
