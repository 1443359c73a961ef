"""Write the tables in shell/completions/ from the commands themselves.

Each file there is code written by hand, and between two marks one branch of a `case` for each command: the
commands it groups, its options, those that take a value with what that may be, and what each argument may be.
What begins with `@` in these is found out when it is asked for, see `_gvmpy_complete_expand` in the files.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gvmpy.cli.completion_cmd import FILES
from gvmpy.config import KEYS
from gvmpy.hooks import BUNDLED
from gvmpy.selection.request import Channel
from gvmpy.shells.detect import SHELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIRECTORY = Path(__file__).parent.parent / "shell" / "completions"
_BEGIN = "# >>> written by docs/generate.py from the commands; do not edit"
_END = "# <<<"

_CHANNELS = tuple(channel.value for channel in Channel)
_ANY = ("@installed", "@aliases", *_CHANNELS)
_KEYS = tuple(key.name for key in KEYS)

_SET = "config set"
# `@value` is found under the command with the argument before: `config set switch.missing`.
# What the arguments are that do not say so by their type; the rows of docs/reference/selection.md.
_ARGUMENTS = {
    "install requests": ("@remote", *_CHANNELS),
    "lock requests": ("@remote", *_CHANNELS),
    "bundle create requests": ("@remote", *_CHANNELS),
    "bundle install requests": ("@remote", *_CHANNELS),
    "uninstall text": ("@installed",),
    "use request": ("@installed", "@aliases", "@missing", *_CHANNELS, "system", "-"),
    "alias name": ("@aliases",),
    "exec request": (*_ANY, "system"),
    "exec arguments": ("@command",),
    "run request": (*_ANY, "system"),
    "init dash": ("-",),
    "init shell": SHELLS,
    "config get name": _KEYS,
    f"{_SET} name": _KEYS,
    f"{_SET} text": ("@value",),
    "config unset name": _KEYS,
    "hooks run name": tuple(module.NAME for module in BUNDLED),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What can follow one command. `commands` and `options` are pairs of a word and its meaning; `valued` are
    options with what their value may be; `arguments` what each argument may be, "..." last where the one
    before repeats.
    """

    path: str
    commands: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    valued: tuple[tuple[str, tuple[str, ...]], ...]
    arguments: tuple[tuple[str, ...], ...]


def pages(top: click.Group) -> Iterator[tuple[Path, str]]:
    """Yield each file of shell/completions/ with what it should hold for the commands of `top`."""
    entries = list(_entries(top, click.Context(top, info_name="", **top.context_settings), ""))
    for shell, name in FILES.items():
        path = _DIRECTORY / name
        head, begin, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
        old, end, tail = rest.partition(_END)
        if not begin or not end:
            raise LookupError(f"{path} has lost its marks")
        branches = textwrap.indent("".join(map(_BRANCHES[shell], entries)), head.rpartition("\n")[2])
        last_indent = old.rpartition("\n")[2]
        yield path, f"{head}{begin}\n{branches}{last_indent}{end}{tail}"


def _entries(command: click.Command, context: click.Context, path: str) -> Iterator[Entry]:
    group = command if isinstance(command, click.Group) else None
    found = (
        [(name, group.get_command(context, name)) for name in group.list_commands(context)] if group else []
    )
    inner = [(name, one) for name, one in found if one is not None and not one.hidden]
    parameters = command.get_params(context)
    options = [one for one in parameters if isinstance(one, click.Option) and not one.hidden]
    yield Entry(
        path,
        tuple((name, one.get_short_help_str(100)) for name, one in inner),
        tuple((name, one.help or "") for one in options for name in _names(one)),
        tuple((name, _choices(one)) for one in options if _takes_value(one) for name in _names(one)),
        tuple(_arguments(parameters, path)),
    )
    if path == _SET:
        yield from (Entry(f"{path} {key.name}", (), (), (), (key.choices,)) for key in KEYS if key.choices)
    for name, one in inner:
        below = click.Context(one, info_name=name, parent=context)
        yield from _entries(one, below, f"{path} {name}".strip())


def _names(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def _takes_value(option: click.Option) -> bool:
    return not option.is_flag and not option.count


def _arguments(parameters: list[click.Parameter], path: str) -> Iterator[tuple[str, ...]]:
    for one in parameters:
        if isinstance(one, click.Argument):
            versions = _ANY if "VERSION" in (one.metavar or "") else ()
            yield _ARGUMENTS.get(f"{path} {one.name}") or _choices(one) or versions
            if one.nargs == -1:
                yield ("...",)


def _choices(parameter: click.Parameter) -> tuple[str, ...]:
    if isinstance(parameter.type, click.Choice):
        return tuple(map(str, parameter.type.choices))
    return ("@files",) if isinstance(parameter.type, click.Path | click.File) else ()


def _bash(entry: Entry) -> str:
    lines = [_assign("commands", [name for name, _ in entry.commands])]
    lines.append(_assign("options", [name for name, _ in entry.options]))
    return _posix_branch(f"'{entry.path}')", entry, lines)


def _zsh(entry: Entry) -> str:
    lines = [_assign("commands", [f"{name}:{about}" for name, about in entry.commands])]
    lines.append(_assign("options", [f"{name}:{about}" for name, about in entry.options]))
    return _posix_branch(f"'{entry.path}')", entry, lines)


def _posix_branch(pattern: str, entry: Entry, lines: list[str]) -> str:
    lines.append(_assign("valued", [f"{name}={','.join(words)}" for name, words in entry.valued]))
    lines.append(_assign("arguments", [",".join(words) for words in entry.arguments]))
    return "\n".join([pattern, *(f"  {line}" for line in lines if line), "  ;;", ""])


def _assign(name: str, words: list[str]) -> str:
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    return f"{name}=({quoted})" if words else ""


def _fish(entry: Entry) -> str:
    fields = {
        "commands": [f"{_fish_word(name)}\\t{_fish_word(about)}" for name, about in entry.commands],
        "options": [f"{_fish_word(name)}\\t{_fish_word(about)}" for name, about in entry.options],
        "valued": [_fish_word(f"{name}={','.join(words)}") for name, words in entry.valued],
        "arguments": [_fish_word(",".join(words)) for words in entry.arguments],
    }
    lines = [f"    set {name} {' '.join(words)}" for name, words in fields.items() if words]
    return "\n".join([f"case {_fish_word(entry.path)}", *lines, ""])


def _fish_word(text: str) -> str:
    """Quote as fish_indent has it: only where that is needed."""
    if re.fullmatch("[a-z-]+", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_BRANCHES: dict[str, Callable[[Entry], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
