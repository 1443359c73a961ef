from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.ui.answers import TOOLS, which

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("which", short_help="Print the path of the go that runs here.")
@click.argument("tool", type=click.Choice(TOOLS), default=TOOLS[0])
@json_option
def command(tool: str, as_json: bool) -> Result:
    """Print the path of the `go` (or `gofmt`) that runs in this directory."""
    del as_json
    return which([tool])
