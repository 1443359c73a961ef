from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.ui.answers import current

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("current", short_help="Say which Go runs here, and why.")
@click.option("--explain", is_flag=True, help="Show all that could choose, and why each did or did not.")
@json_option
def command(explain: bool, as_json: bool) -> Result:
    """Say which Go `go` runs in this directory, and what chose it.

    With --explain, show every step of the choice, `*` before what decided, and what the go command then makes
    of GOTOOLCHAIN. The exit code is the same.
    """
    del as_json
    if not explain:
        return current()
    from gvmpy.ui.explanation import explained

    return explained()
