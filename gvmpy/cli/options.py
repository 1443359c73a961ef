"""Options that several commands share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
install_option = click.option("--install", is_flag=True, help="Install VERSION first when it is missing.")
offline_option = click.option(
    "--offline", is_flag=True, help="Ask nobody over the network, as GVMPY_OFFLINE=1 does."
)
