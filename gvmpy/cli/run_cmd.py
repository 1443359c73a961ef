from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.exec_cmd import become
from gvmpy.cli.options import install_option
from gvmpy.cli.world import here

if TYPE_CHECKING:
    from typing import NoReturn


@click.command(
    "run",
    short_help="Run go of one version.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@install_option
@click.argument("request", metavar="VERSION")
@click.argument("arguments", metavar="[GO ARGUMENT]...", nargs=-1)
def command(request: str, arguments: tuple[str, ...], install: bool) -> NoReturn:
    """Become `go` of VERSION with these arguments: `gvmpy exec VERSION -- go ARGUMENT...`, in short.

    For example: `gvmpy run 1.22 build ./...`
    """
    words = arguments[1:] if arguments[:1] == ("--",) else arguments
    become(here(), request, ("go", *words), install=install)
