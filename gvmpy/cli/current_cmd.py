from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.ui.answers import current

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("current", short_help="Say which Go runs here, and why.")
@json_option
def command(as_json: bool) -> Result:
    """Say which Go `go` runs in this directory, and what chose it."""
    del as_json
    return current()
