from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from gvmpy.switch.history import Record
    from gvmpy.switch.journal import Journal

_HEADER = ("TIME", "FROM", "TO", "BY", "OUTCOME", "HOOKS")


@click.command("history", short_help="Show how the default changed.")
@click.option(
    "-n", "number", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many."
)
@json_option
def command(number: int, as_json: bool) -> Result:
    """Show the last switches of the default, the newest first: when, from what, to what, and what the hooks
    said. What single shells choose is not kept.
    """
    del as_json
    from gvmpy.switch.history import read
    from gvmpy.switch.journal import pending
    from gvmpy.ui.tables import table

    home = here().home
    records = read(home)[: -number - 1 : -1]
    under_way = pending(home)
    rows = [
        (record.time, str(record.before), str(record.after), record.by, record.outcome, _hooks(record))
        for record in records
    ]
    data = {
        "switches": [record.as_data() for record in records],
        "pending": under_way.record.as_data() | {"phase": under_way.phase.value} if under_way else None,
    }
    notes = (() if rows else ("no switch yet",)) + (_pending(under_way) if under_way else ())
    return Result(data=data, text=table(_HEADER, rows) if rows else "", notes=notes)


def _hooks(record: Record) -> str:
    told = [f"{hook.name} {hook.status}" for hook in record.hooks if hook.status != "skipped"]
    return ", ".join(told) or "-"


def _pending(entry: Journal) -> tuple[str, ...]:
    from gvmpy.switch.journal import is_running

    what = f"a switch to {entry.record.after}, begun at {entry.record.time},"
    if is_running(entry):
        return (f"note: {what} is under way",)
    return (f"note: {what} was cut short; the next one, or an uninstall, puts that right",)
