from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import World, here
from gvmpy.ui.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.shells.rcfile import Done, Edit

_HOW = """\
Let gvmpy put the lines into your shell's rc file:

  {program} init --install

Or put one of these at the end of it yourself: the first into ~/.bashrc, ~/.zshrc, or the file $ENV names for
sh, the second into ~/.config/fish/config.fish.

  eval "$({program} init -)"
  {fish_program} init - fish | source

It puts gvmpy's shims first on PATH and defines the function behind `gvmpy use VERSION`."""


@click.command("init", short_help="Set a shell up, now or for good.")
@click.argument("dash", metavar="[-]", required=False)
@click.argument("shell", metavar="[SHELL]", required=False)
@click.option("--install", is_flag=True, help="Put the lines that do it into the shell's rc files.")
@click.option("--uninstall", is_flag=True, help="Take them out again, byte for byte.")
@click.option(
    "--shell", "shells", multiple=True, metavar="SHELL", help="Edit the files of SHELL. Repeatable."
)
@click.option("--dry-run", is_flag=True, help="Show the difference and write nothing.")
@json_option
def command(
    *,
    dash: str | None,
    shell: str | None,
    install: bool,
    uninstall: bool,
    shells: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> Result:
    """With `-`, print the text that sets a shell up, for `eval`, or for `source` in fish. SHELL is sh, bash,
    dash, zsh, ksh, mksh, yash, ash or fish; not named, it is the one that asks.

    With --install, edit the rc files of the shell in $SHELL, or of each --shell. What stands between the
    lines `# >>> gvmpy >>>` and `# <<< gvmpy <<<` is gvmpy's. All files are checked before one is touched, and
    a copy of each goes to ~/.gvmpy/backups. --uninstall looks into the files of every shell.
    """
    del shell, as_json
    if dash is not None:
        raise click.UsageError("use `gvmpy init -`, optionally followed by one shell's name.")
    if install and uninstall:
        raise click.UsageError("--install and --uninstall exclude each other.")
    if not install and not uninstall:
        if shells or dry_run:
            raise click.UsageError("--shell and --dry-run go with --install or --uninstall.")
        return _explain()
    return _edit(here(), shells, install=install, dry_run=dry_run)


def _explain() -> Result:
    from gvmpy.root import program_path
    from gvmpy.shells.quote import quote_fish, quote_posix

    program = program_path()
    text = _HOW.format(program=quote_posix(program), fish_program=quote_fish(program))
    return Result(data={"program": program}, text=text)


def _edit(world: World, shells: tuple[str, ...], *, install: bool, dry_run: bool) -> Result:
    """Change the rc files. What is wrong with any of them is found before the first directory is made, and
    looked for again behind the lock.
    """
    from gvmpy.files import make_private
    from gvmpy.locks import hold
    from gvmpy.shells.rcfile import apply, diff
    from gvmpy.shells.shims import write_shims

    edits = _plan(world, shells, install=install)
    if dry_run:
        data = {"changed": [_as_data(edit) for edit in edits], "dry_run": True, "diff": diff(edits)}
        notes = () if edits else ("nothing to do",)
        return Result(data=data, text=diff(edits).removesuffix("\n"), notes=notes)
    if install:
        world.home.prepare()
        write_shims(world.home)
    done: tuple[Done, ...] = ()
    if edits:
        make_private(world.home.locks)
        with hold(world.home.locks / "rc-files", timeout=world.config.lock_timeout):
            done = apply(_plan(world, shells, install=install), world.home.backups)
    data = {"changed": [_as_data(entry) for entry in done], "dry_run": False}
    return Result(data=data, notes=tuple(_tell(done, install=install)))


def _plan(world: World, shells: tuple[str, ...], *, install: bool) -> tuple[Edit, ...]:
    from gvmpy.root import program_path
    from gvmpy.shells.detect import SHELLS
    from gvmpy.shells.rcfile import plan_install, plan_uninstall
    from gvmpy.shells.rcplaces import default_shell, former_places, places

    if not install:
        return plan_uninstall(former_places(shells or SHELLS, world.environ))
    wanted = places(shells or (default_shell(world.environ),), world.environ)
    return plan_install(wanted, str(world.home.root), program_path())


def _as_data(entry: Edit | Done) -> dict[str, str | None]:
    backup = getattr(entry, "backup", None)
    return {"path": entry.path, "action": entry.action, "backup": str(backup) if backup else None}


def _tell(done: tuple[Done, ...], *, install: bool) -> Iterator[str]:
    """Yield the lines for people; they are talk, as the work itself is the answer."""
    from gvmpy.ui.style import one_line

    if not done:
        yield "nothing to do"
        return
    for entry in done:
        past = {"create": "made", "edit": "changed", "remove": "removed"}[entry.action]
        kept = f" (before: {one_line(str(entry.backup))})" if entry.backup else ""
        yield f"{past} {one_line(entry.path)}{kept}"
    yield "it takes effect in the next shell" if install else "shells that are open keep what they have"
