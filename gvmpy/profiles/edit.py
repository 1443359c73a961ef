"""Changing the profiles in the configuration file; comments, order and layout stay as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gvmpy.config import parse_all
from gvmpy.configfile import content, save
from gvmpy.errors import UsageError
from gvmpy.profiles.model import check_name
from gvmpy.profiles.values import check_value, has_credentials
from gvmpy.profiletables import SETTINGS, ProfileTables, take

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_BY_HAND = "gvmpy config edit"
_ROOT, _GROUP = "profiles", "profile"
_T = TypeVar("_T")


def set_value(path: Path, profile: str, name: str, value: str) -> None:
    """Set one setting of a profile, which is made when it is new, in the file `path`.

    Raises UsageError for a name or value amiss, and for a file that cannot be changed in place; HostError
    when it cannot be written.
    """
    put(path, {profile: {name: value}})


def put(path: Path, profiles: Mapping[str, Mapping[str, str]], *, whole: bool = False) -> None:
    """Set all these settings; what a profile has besides stays, or with `whole` goes. Raises as above."""
    import tomlkit

    for profile, settings in profiles.items():
        check_name(profile)
        for name, value in settings.items():
            check_value(name, value)

    def change(document: Any) -> None:
        root = document.setdefault(_ROOT, tomlkit.table(is_super_table=True))
        for profile, settings in profiles.items():
            if profile not in root:
                root[profile] = tomlkit.table()
            for name in [name for name in root[profile] if whole and name not in settings]:
                del root[profile][name]
            for name, value in settings.items():
                root[profile][name] = value

    def wanted(tables: ProfileTables) -> ProfileTables:
        merged = {name: dict(settings) for name, settings in tables.profiles.items()}
        for profile, settings in profiles.items():
            merged[profile] = {**({} if whole else merged.get(profile, {})), **settings}
        return replace(tables, profiles=merged)

    _rewrite(path, change, wanted)


def unset_value(path: Path, profile: str, name: str) -> bool:
    """Take one setting out of a profile; say whether it was there. Raises as set_value()."""
    check_name(profile)
    if name not in _tables(path).profiles.get(profile, {}):
        return False

    def change(document: Any) -> None:
        del document[_ROOT][profile][name]

    def wanted(tables: ProfileTables) -> ProfileTables:
        left = {key: value for key, value in tables.profiles[profile].items() if key != name}
        return replace(tables, profiles={**tables.profiles, profile: left})

    _rewrite(path, change, wanted)
    return True


def delete(path: Path, profile: str) -> bool:
    """Take a whole profile out; say whether it was there. Raises as set_value()."""
    check_name(profile)
    if profile not in _tables(path).profiles:
        return False

    def change(document: Any) -> None:
        del document[_ROOT][profile]
        if not document[_ROOT]:
            del document[_ROOT]

    def wanted(tables: ProfileTables) -> ProfileTables:
        return replace(tables, profiles=_without(tables.profiles, profile))

    _rewrite(path, change, wanted)
    return True


def bind(path: Path, table: str, key: str, profile: str | None) -> bool:
    """Bind a version or a directory, `table` being `versions` or `directories`, to a profile, or to none with
    None; say whether anything changed. Raises as set_value().
    """
    import tomlkit

    bindings: Mapping[str, str] = getattr(_tables(path), table)
    if bindings.get(key) == profile:
        return False

    def change(document: Any) -> None:
        group = document.setdefault(_GROUP, tomlkit.table(is_super_table=True))
        if profile is None:
            del group[table][key]
            if not group[table] and not tomlkit.dumps(group[table]).strip():
                del group[table]
        elif table in group:
            group[table][key] = profile
        else:
            group[table] = tomlkit.table().append(key, profile)

    def wanted(tables: ProfileTables) -> ProfileTables:
        bound = _without(bindings, key) if profile is None else {**bindings, key: profile}
        return replace(tables, versions=bound) if table == "versions" else replace(tables, directories=bound)

    _rewrite(path, change, wanted)
    return True


def dump(profiles: Mapping[str, Mapping[str, str]]) -> str:
    """Return profiles as a TOML document."""
    import tomlkit

    document = tomlkit.document()
    root = tomlkit.table(is_super_table=True)
    for profile, settings in profiles.items():
        table = tomlkit.table()
        table.update(settings)
        root.append(profile, table)
    document.append(_ROOT, root)
    return tomlkit.dumps(document)


def parse_dump(text: str, name: str) -> Mapping[str, Mapping[str, str]]:
    """Return the profiles of a document as dump() makes it; `name` is how to call it.

    Raises UsageError for anything else in it, and for a name or value amiss.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: {error}") from error
    tables = take(document, lambda table, _: f"{name}, table `{table}`")
    if document or tables.versions or tables.directories:
        raise UsageError(f"{name} has more in it than profiles", hint="keep only [profiles.NAME] tables")
    for profile, settings in tables.profiles.items():
        check_name(profile)
        for key, value in settings.items():
            check_value(key, value)
    return tables.profiles


def check_setting(name: str) -> str:
    """Return the setting's own spelling. Raises UsageError for an unknown one, with the nearest."""
    import difflib

    if name.upper() in SETTINGS:
        return name.upper()
    near = difflib.get_close_matches(name.upper(), SETTINGS, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known settings: {', '.join(SETTINGS)}"
    raise UsageError(f"unknown setting `{name}`", hint=hint)


def _tables(path: Path) -> ProfileTables:
    return parse_all(path, content(path))[1]


def _without(table: Mapping[str, _T], key: str) -> dict[str, _T]:
    return {name: value for name, value in table.items() if name != key}


def _rewrite(
    path: Path, change: Callable[[Any], None], wanted: Callable[[ProfileTables], ProfileTables]
) -> None:
    """Change the document, and save it if it then says just what it should: `wanted` does the same to the
    plain tables. A file with a password in it is for its owner alone.
    """
    import tomlkit

    text = content(path)
    keys, before = parse_all(path, text)
    expected = wanted(before)
    try:
        document = tomlkit.parse(text)
        change(document)
        new = tomlkit.dumps(document)
        right = parse_all(path, new) == (keys, expected)
    except (tomlkit.exceptions.TOMLKitError, ValueError, UsageError) as error:
        raise UsageError(f"cannot change `{path}` in place: {error}", hint=_BY_HAND) from error
    if not right:
        raise UsageError(f"cannot change `{path}` in place", hint=_BY_HAND)
    values = [value for settings in expected.profiles.values() for value in settings.values()]
    private = any(map(has_credentials, values))
    save(path, new, was=text, private=private)
