"""Settings: a TOML file, each key with an environment override, unknown keys refused.

Precedence: environment, then the user's file, then the built-in default. The environment wins so that a CI
job or an administrator's wrapper needs no file.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gvmpy.errors import UsageError
from gvmpy.profiletables import ProfileTables, take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRUST_LEVELS = ("third-party", "pinned", "origin-sha256", "transparency-log", "signature")
"""How an installation was proven, weakest first."""


def strength(level: str) -> int:
    """Return how much the trust `level` proves, to be compared; what is no level proves least of all."""
    return TRUST_LEVELS.index(level) if level in TRUST_LEVELS else -1


EXPIRED = ("refuse", "when-made")
"""What becomes of a signature by a subkey that has expired since: refused, or judged by its own date."""

MISSING = ("error", "install")
"""What a shim does for a version that is chosen and not installed."""

HOOK_POLICIES = ("off", "warn", "block")
"""What the failure of a hook means: the hook is not run; it is told; the switch is put back."""

_LOCK_TIMEOUT = 300.0
"""Seconds: longer than a download over a slow line is worth waiting for."""

_MIRROR_TIMEOUT = 10.0
"""Seconds: a mirror that is silent for longer is worse than the next one."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a command may be told from outside, parsed and checked."""

    sources: tuple[str, ...] = ("official", "goproxy", "wheel")
    official_index: str = "https://go.dev/dl/?mode=json&include=all"
    mirrors: tuple[str, ...] = ("https://dl.google.com/go/",)
    trusted_indexes: tuple[str, ...] = ()
    goproxy: str = ""
    sumdb: str = ""
    trust_minimum: str = "third-party"
    trust_key: str = ""
    trust_fingerprint: str = "EB4C1BFD4F042F6DDDCCEC917721F63BD38B4796"
    trust_expired: str = "refuse"
    missing: str = "error"
    hook_timeout: float = 60
    hook_settings: str = "warn"
    hook_secrets: str = "warn"
    hook_goland: str = "warn"
    hook_compliance: str = "warn"
    hook_user: str = "warn"
    profile: str = "default"
    profile_scope: tuple[str, ...] = ("go", "shell")
    profile_tables: ProfileTables = field(default_factory=ProfileTables)
    cache: Path = Path()
    offline: bool = False
    lock_timeout: float = _LOCK_TIMEOUT
    mirror_timeout: float = _MIRROR_TIMEOUT

    def hook_policy(self, name: str) -> str:
        """Return what of HOOK_POLICIES holds for the bundled hook `name`, or for all of the `user`."""
        policy: str = getattr(self, f"hook_{name}")
        return policy


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands in the file, its environment override, its field, its shape.

    `choices` are the only words it may hold, `what` the word for one of them; none for free text. A number is
    one of seconds, above 0.
    """

    name: str
    variable: str
    field: str
    is_list: bool = False
    is_number: bool = False
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
    Key("trust.key", "GVMPY_TRUST_KEY", "trust_key"),
    Key("trust.fingerprint", "GVMPY_TRUST_FINGERPRINT", "trust_fingerprint"),
    Key("trust.expired", "GVMPY_TRUST_EXPIRED", "trust_expired", choices=EXPIRED, what="rule"),
    Key("switch.missing", "GVMPY_MISSING", "missing", choices=MISSING, what="action"),
    Key("switch.hook_timeout", "GVMPY_HOOK_TIMEOUT", "hook_timeout", is_number=True),
    *(
        Key(
            f"switch.hooks.{name}",
            f"GVMPY_HOOK_{name.upper()}",
            f"hook_{name}",
            choices=HOOK_POLICIES,
            what="policy",
        )
        for name in ("settings", "secrets", "goland", "compliance", "user")
    ),
    Key("profile.use", "GVMPY_PROFILE", "profile"),
    Key("profile.scope", "GVMPY_PROFILE_SCOPE", "profile_scope", is_list=True),
)

Value = str | float | tuple[str, ...]
"""What a setting holds; a tuple where its key is a list, a number where it is one."""


def load(environ: Mapping[str, str]) -> Config:
    """Return the settings in force. Raises UsageError naming the file, the line and the nearest known key."""
    values: dict[str, Any] = {}
    path = config_path(environ)
    text = read(path, required=bool(environ.get("GVMPY_CONFIG")))
    if text is not None:
        found, values["profile_tables"] = parse_all(path, text)
        values |= {key.field: value for key, value in found.items()}
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
    """Return what `text` means for `key`, in a variable or on a command line: lists are comma-separated.

    Raises UsageError for what is no number where one is wanted.
    """
    if key.is_number:
        return _number(text, key.name)
    return _split(text) if key.is_list else text


def check_choice(key: Key, value: Value) -> None:
    """Raise UsageError when `key` knows a few words only and `value` is none of them, and for no time."""
    if key.is_number and not (isinstance(value, int | float) and 0 < value < float("inf")):
        raise UsageError(f"`{key.name}` must be a number of seconds above 0, not {value}")
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
    return parse_all(path, text)[0]


def parse_all(path: Path, text: str) -> tuple[dict[Key, Value], ProfileTables]:
    """Return what parse() does, and the tables whose keys are the user's own words. Raises as parse()."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"`{path}` is not valid TOML: {error}") from error
    tables = take(document, lambda table, leaf: f"`{path}` line {line_in_table(text, table, leaf)}")
    return _parse_keys(path, text, document), tables


def _parse_keys(path: Path, text: str, document: Mapping[str, Any]) -> dict[Key, Value]:
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
        wanted, fits = _shape(key, value)
        if not fits:
            raise UsageError(f"`{name}` in `{path}` line {line_of(text, name)} must be {wanted}")
        values[key] = tuple(value) if key.is_list else value
    return values


def _shape(key: Key, value: Any) -> tuple[str, bool]:
    """Say what `key` wants, and whether `value` is that."""
    if key.is_number:  # to Python, true is a number
        return "a number", isinstance(value, int | float) and not isinstance(value, bool)
    if key.is_list:
        return "a list of strings", isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "a string", isinstance(value, str)


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
    return _line_with(text.splitlines(), name.rpartition(".")[2]) or 1


def line_in_table(text: str, table: str, leaf: str) -> int:
    """Return the line that sets `leaf` below the header of `table`, where several tables have such a key."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if re.sub(r"""[\s"']""", "", line.partition("#")[0]) == f"[{table}]":
            found = _line_with(lines[number:], leaf)
            return number + found if found else number
    return _line_with(lines, leaf) or 1


def _line_with(lines: Sequence[str], leaf: str) -> int | None:
    wanted = re.compile(rf"""^\s*(?:[\w."'-]+\.)?["']?{re.escape(leaf)}["']?\s*=""")
    return next((number for number, line in enumerate(lines, 1) if wanted.match(line)), None)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable, "")
    if not text:
        return default
    value = _number(text, variable)
    if not 0 <= value < float("inf"):
        raise UsageError(f"`{variable}` must be a number of seconds, not {text!r}")
    return value


def _number(text: str, name: str) -> float:
    """Return the number that `text` is, whole where it is written so."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    raise UsageError(f"`{name}` must be a number of seconds, not {text!r}")
