"""Options that several commands share."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
install_option = click.option("--install", is_flag=True, help="Install VERSION first when it is missing.")
