from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.ui.answers import prompt

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("prompt", short_help="Print the version here, for a shell's prompt.")
@json_option
def command(as_json: bool) -> Result:
    """Print which Go runs here and what says so, in a few words: `1.22.3 (.go-version)`.

    Prints nothing where none does, and exits as `go` would.
    """
    del as_json
    return prompt()
