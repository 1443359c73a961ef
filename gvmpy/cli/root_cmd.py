from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.ui.answers import root

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("root", short_help="Print where everything lives.")
@json_option
def command(as_json: bool) -> Result:
    """Print the directory that everything lives in: $GVMPY_ROOT, else ~/.gvmpy."""
    del as_json
    return root()
