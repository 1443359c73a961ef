from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here

if TYPE_CHECKING:
    from gvmpy.ui.result import Result


@click.command("undo", short_help="Take the last switch of the default back.")
@json_option
def command(as_json: bool) -> Result:
    """Make the default what it was before its last change, with the same hooks.

    An undo is a switch, too: undone again, it is as it was. Fails where something else changed the default
    meanwhile.
    """
    from gvmpy.cli.switching import change_default
    from gvmpy.switch.transaction import refuse_within_hook

    world = here()
    refuse_within_hook(world.environ, "gvmpy undo")
    return change_default(world, lambda switcher: switcher.undo(), quiet=as_json)
