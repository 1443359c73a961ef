"""The group: names the commands and loads the one that is called."""

from __future__ import annotations

import difflib
from importlib import import_module

import click

from gvmpy import __version__

_COMMANDS = (
    "install",
    "uninstall",
    "use",
    "alias",
    "undo",
    "history",
    "hooks",
    "list",
    "current",
    "which",
    "exec",
    "run",
    "root",
    "prompt",
    "env",
    "doctor",
    "verify",
    "repair",
    "lock",
    "bundle",
    "sbom",
    "config",
    "profile",
    "init",
    "completion",
)


class _LazyGroup(click.Group):
    """Imports a command's module when it is asked for: `gvmpy use` must not pay for `gvmpy install`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest name for one that is none."""
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            suggestion = f"; did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"no such command '{args[0]}'{suggestion}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"gvmpy.cli.{cmd_name}_cmd").command
        assert isinstance(command, click.Command)  # noqa: S101 - our own modules
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="gvmpy %(version)s")
def gvmpy() -> None:
    """Install, prove and switch Go toolchains.

    \b
    gvmpy install 1.22.3           fetch it, prove it, unpack it
    gvmpy use 1.22.3 --default     for every new shell, and for IDEs
    gvmpy use 1.21.6               for this shell only
    """
