from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gvmpy.goenv.explain import Explained, Origin
    from gvmpy.goenv.mode import ModeHere
    from gvmpy.selection.resolve import Selection

_CODES = {"module": 0, "gopath": 10, "none": 11}
_ADVICE = "advice: leave GO111MODULE unset; `auto` and `off` also keep GOTOOLCHAIN from counting\nhint: {}"


@click.command("env", short_help="Print Go's settings here, and where they come from.")
@click.argument("directory", metavar="[DIR]", required=False)
@click.option("--explain", is_flag=True, help="Say where each comes from, and what it hides.")
@click.option(
    "--mode", "only_mode", is_flag=True, help="Print `module`, `gopath` or `none`, and nothing else."
)
@json_option
def command(directory: str | None, explain: bool, only_mode: bool, as_json: bool) -> Result:
    """Print the settings of the Go that runs in this directory, or in DIR, as `go env` does.

    Users, passwords and tokens are left out. With --explain, say first whether Go works in module mode or in
    GOPATH mode there, and why. With --mode, exit 0 for `module`, 10 for `gopath`, 11 for `none`: module mode
    without a go.mod.
    """
    del as_json
    if explain and only_mode:
        raise click.UsageError("--explain and --mode exclude each other.")
    place = _find(here(), directory)
    if only_mode:
        return _mode(place)
    return _explained(place) if explain else _plain(place)


@dataclass(frozen=True, slots=True)
class _Place:
    """A directory, its environment, and the Go that runs there."""

    directory: Path
    environ: dict[str, str]
    selection: Selection

    def as_data(self) -> dict[str, str | None]:
        version = self.selection.version
        return {
            "version": version.text if version else None,
            "binary": str(self.selection.binary),
            "reason": self.selection.reason,
        }


def _find(world: World, directory: str | None) -> _Place:
    from gvmpy.errors import HostError, UsageError
    from gvmpy.selection.files import current_directory
    from gvmpy.selection.resolve import select

    if directory is not None and not os.path.isdir(directory):
        raise UsageError(f"there is no directory `{directory}`")
    cwd = current_directory(world.environ)
    if directory is not None:
        cwd = Path(os.path.abspath(directory))
    if cwd is None:
        raise HostError("the current directory is gone", hint="cd to another one")
    return _Place(cwd, dict(world.environ), select(world.home, world.environ, cwd))


def _mode(place: _Place) -> Result:
    from gvmpy.goenv.mode import mode_in

    found = mode_in(place.directory, place.environ, place.selection.binary)
    word = found.mode.value
    return Result(data={"go": place.as_data(), "mode": _mode_data(found)}, text=word, exit_code=_CODES[word])


def _plain(place: _Place) -> Result:
    from gvmpy.goenv.asking import ask_settings
    from gvmpy.goenv.explain import explain_settings

    settings = ask_settings(place.selection.binary, place.environ, place.directory)
    explained = explain_settings(settings, place.environ, place.directory)
    data = {each.name: _shown(each.name, each.value) for each in explained}
    lines = [_assignment(each.name, each.value) for each in explained]
    return Result(data={"go": place.as_data(), "settings": data}, text="\n".join(lines))


def _explained(place: _Place) -> Result:
    from gvmpy.goenv.asking import ask_settings
    from gvmpy.goenv.explain import explain_settings
    from gvmpy.goenv.mode import read_mode

    settings = ask_settings(place.selection.binary, place.environ, place.directory)
    explained = explain_settings(settings, place.environ, place.directory)
    mode = read_mode(settings, place.environ, place.directory)
    cure = "unset GO111MODULE" if mode.origin == "$GO111MODULE" else "go env -u GO111MODULE"
    notes = (_ADVICE.format(cure),) if mode.go111module else ()
    return Result(
        data={
            "go": place.as_data(),
            "mode": _mode_data(mode),
            "settings": [_setting_data(each) for each in explained],
        },
        text="\n".join(_text(place, mode, explained)),
        notes=notes,
    )


def _text(place: _Place, mode: ModeHere, explained: Sequence[Explained]) -> Iterator[str]:
    words = {"module": "module mode", "gopath": "GOPATH mode", "none": "module mode without a module"}
    yield one_line(f"{words[mode.mode.value]}: {mode.reason}")
    version = place.selection.version
    yield one_line(
        f"asked: {version.name if version else place.selection.binary}, set by {place.selection.reason}"
    )
    chosen = [each for each in explained if each.shadows or each.note or _is_set(each.origin)]
    for each in chosen:
        yield ""
        yield _assignment(each.name, each.value)
        yield one_line(f"  from: {each.origin}" + (f"; {each.note}" if each.note else ""))
        for shadow in each.shadows:
            value = _shown(each.name, shadow.value)
            yield one_line(f"  instead of: '{value}' from {shadow.origin}")
    yield "\nbuilt in, or worked out by Go:"
    for each in explained:
        if each not in chosen:
            yield f"  {_assignment(each.name, each.value)}"


def _is_set(origin: Origin) -> bool:
    return origin.kind not in {"built-in", "computed"}


def _assignment(name: str, value: str) -> str:
    """Return a line as `go env` prints it, but for what could steer a terminal, which is spelled out."""
    from gvmpy.shells.quote import quote_posix

    return f"{one_line(name)}={one_line(quote_posix(_shown(name, value)))}"


def _shown(name: str, value: str) -> str:
    from gvmpy.goenv.hide import hide_credentials

    return hide_credentials(name, value)


def _setting_data(each: Explained) -> dict[str, Any]:
    return {
        "name": each.name,
        "value": _shown(each.name, each.value),
        "origin": _origin_data(each.origin),
        "shadows": [
            {"value": _shown(each.name, shadow.value), "origin": _origin_data(shadow.origin)}
            for shadow in each.shadows
        ],
        "note": each.note or None,
    }


def _origin_data(origin: Origin) -> dict[str, str | int | None]:
    return {"kind": origin.kind, "path": str(origin.path) if origin.path else None, "line": origin.line}


def _mode_data(mode: ModeHere) -> dict[str, str | None]:
    return {
        "mode": mode.mode.value,
        "reason": mode.reason,
        "gomod": mode.gomod,
        "gowork": mode.gowork,
        "go111module": mode.go111module or None,
    }
