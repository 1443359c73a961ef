from __future__ import annotations

import click

from gvmpy.ui.result import Result

_HOW = """\
Put this line at the end of your shell's rc file (~/.bashrc, ~/.zshrc, or the file $ENV names for sh):

  eval "$({program} init -)"

It puts gvmpy's shims first on PATH and defines the function behind `gvmpy use VERSION`."""


@click.command("init", short_help="Print the text that sets a shell up.")
@click.argument("dash", metavar="[-]", required=False)
@click.argument("shell", metavar="[SHELL]", required=False)
def command(dash: str | None, shell: str | None) -> Result:
    """With `-`, print the text that sets a shell up, for `eval`; without, say where to put that.

    The same text serves sh, dash, bash, zsh and ksh.
    """
    del shell
    if dash is not None:
        raise click.UsageError("use `gvmpy init -`, optionally followed by one shell's name.")
    from gvmpy.root import program_path
    from gvmpy.shells.quote import quote_posix

    return Result(text=_HOW.format(program=quote_posix(program_path())))
