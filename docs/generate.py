"""Write docs/reference/commands.md and the tables in shell/completions/ from the commands themselves.

`python docs/generate.py` writes the files, `--check` compares them and exits 1 with the difference.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from completions import pages

from gvmpy.cli.main import gvmpy

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = Path(__file__).parent / "reference" / "commands.md"
_HEAD = """\
# Commands

<!-- Written by docs/generate.py from the commands' own help. Do not edit. -->

Every command takes `--help`. The meaning of the codes is in [exit codes](exit-codes.md), that of `--json` in
[JSON output](json-output.md), and what may stand for VERSION in [selection](selection.md).
"""


def main() -> int:
    """Write the files, or with `--check` compare them; return the exit code."""
    parser = argparse.ArgumentParser(description="Write what follows from the commands.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a file is stale")
    check: bool = parser.parse_args().check
    code = 0
    for path, wanted in ((_PAGE, render()), *pages(gvmpy)):
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if check:
            lines = (found.splitlines(keepends=True), wanted.splitlines(keepends=True))
            sys.stdout.writelines(difflib.unified_diff(*lines, str(path), "what the commands say"))
            code |= found != wanted
        elif found != wanted:
            path.write_text(wanted, encoding="utf-8")
    return code


def render() -> str:
    """Return the whole page."""
    top = click.Context(gvmpy, info_name="gvmpy", **gvmpy.context_settings)
    return "\n".join([_HEAD, *_sections(gvmpy, top)])


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the section of `command`, then those of the commands it groups."""
    yield _section(command, context)
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is None:
            raise LookupError(f"the group names `{name}` and does not have it")
        yield from _sections(inner, click.Context(inner, info_name=name, parent=context))


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"## `{context.command_path}`", f"```text\n{usage}\n```"]
    parts += _paragraphs(inspect.cleandoc(command.help or ""))
    parts.append("\n".join(_options(command, context)))
    return "\n\n".join(parts) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the help's paragraphs; one that click is told not to wrap becomes a code block."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield f"```text\n{paragraph[2:]}\n```"
        else:
            yield paragraph


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield "| Option | Meaning |"
    yield "|---|---|"
    for parameter in command.get_params(context):
        # Some releases of click have records of arguments, too, which the usage line shows already.
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            names, meaning = (cell.replace("|", "\\|") for cell in record)
            yield f"| `{names}` | {meaning} |"


if __name__ == "__main__":
    sys.exit(main())
