"""The command line: one file a command; parse, call one feature, answer with a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvmpy.ui.edge import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gvmpy.ui.result import Result


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    as_json = _wants_json(arguments)
    command = next((word for word in arguments if not word.startswith("-")), "gvmpy")
    return answer(command, lambda: _invoke(list(arguments)), as_json=as_json)


def _invoke(arguments: list[str]) -> Result:
    import click

    from gvmpy.cli.main import gvmpy
    from gvmpy.errors import UsageError
    from gvmpy.ui.result import Result

    try:
        result = gvmpy.main(arguments, prog_name="gvmpy", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        return Result(notes=(error.format_message(),), exit_code=UsageError.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "gvmpy"
        message = error.format_message().removesuffix(".")
        raise UsageError(message[:1].lower() + message[1:], hint=f"{command} --help") from error
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as error:
        # How click ends when the reader of a help text has gone, with the 1 that means "a check said no".
        raise BrokenPipeError from error
    # With --help click prints, and hands back its own exit code.
    return (
        result if isinstance(result, Result) else Result(exit_code=result if isinstance(result, int) else 0)
    )


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether our own options ask for JSON; what stands behind `exec` or `run` belongs to another command."""
    if arguments and arguments[0] in {"exec", "run"}:
        return False
    return "--json" in arguments
