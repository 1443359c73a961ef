from __future__ import annotations

import click

from gvmpy.ui.result import Result

FILES = {"bash": "gvmpy.bash", "zsh": "_gvmpy", "fish": "gvmpy.fish"}


@click.command("completion", short_help="Print what makes a shell complete gvmpy.")
@click.argument("shell", type=click.Choice(tuple(FILES)))
def command(shell: str) -> Result:
    """Print the script with which SHELL completes gvmpy's commands, options and versions.

    \b
    source <(gvmpy completion bash)      in ~/.bashrc
    source <(gvmpy completion zsh)       in ~/.zshrc
    gvmpy completion fish | source       in ~/.config/fish/config.fish
    """
    from gvmpy import assets

    return Result(text=assets.read(f"shell/completions/{FILES[shell]}").decode().removesuffix("\n"))
