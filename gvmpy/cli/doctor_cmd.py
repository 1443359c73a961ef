from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gvmpy.cli.options import json_option
from gvmpy.cli.world import here
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gvmpy.doctor.checkup import Checkup
    from gvmpy.doctor.finding import Finding
    from gvmpy.doctor.patient import Patient

_COLOURS = {"error": "red", "warning": "red", "note": "cyan"}


@click.command("doctor", short_help="Find what is wrong here, and mend what is safe to mend.")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend; asks before each.")
@click.option("--yes", "-y", is_flag=True, help="With --fix: do not ask.")
@click.option("--network", is_flag=True, help="Also ask whether proxies answer and what time servers have.")
@json_option
def command(fix: bool, yes: bool, network: bool, as_json: bool) -> Result:
    """Look for what keeps Go, or gvmpy, from working here, and say what mends it.

    Exits 0 when nothing was found, 1 when errors or warnings were; notes do not count. Exits 2 when something
    could not be looked at. With --fix, what is safe is mended: nothing is done that needs an administrator,
    and nothing to files of others. Afterwards all is looked at again.
    """
    from gvmpy.doctor.checkup import examine

    if yes and not fix:
        raise click.UsageError("--yes goes with --fix.")
    checkup = examine(_patient(network=network))
    if not fix:
        return _answer(checkup, {})
    attempts = _treat(checkup, yes=yes, as_json=as_json)
    again = examine(_patient(network=network)) if attempts else checkup
    done = {finding.fix.action for finding, failure in attempts if failure is None}
    mended = [finding.id for finding in checkup.treatable if finding.fix.action in done]
    failed = [{"id": finding.id, "reason": failure} for finding, failure in attempts if failure is not None]
    return _answer(again, {"fixed": mended, "not_fixed": failed})


def _patient(*, network: bool) -> Patient:
    from gvmpy.doctor.patient import Patient
    from gvmpy.selection.files import current_directory

    world = here()
    return Patient(world.home, world.environ, current_directory(world.environ), network=network)


def _treat(checkup: Checkup, *, yes: bool, as_json: bool) -> list[tuple[Finding, str | None]]:
    """Mend one after the other, each shown before; return what was tried, and why it did not work."""
    from gvmpy.doctor.checkup import one_by_one, treat
    from gvmpy.errors import UsageError

    todo = list(one_by_one(checkup))
    if todo and not yes and (as_json or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())):
        raise UsageError("not asked, because this is no terminal", hint="gvmpy doctor --fix --yes")
    attempts = []
    for finding in todo:
        action = one_line(finding.fix.action)
        if yes and not as_json:
            click.echo(f"fix: {action}", err=True)
        if yes or click.confirm(f"{action[:1].upper()}{action[1:]}?", err=True):
            failure = treat(finding)
            attempts.append((finding, failure))
            if failure is not None and not as_json:
                click.echo(f"it did not work: {one_line(failure)}", err=True)
    return attempts


def _answer(checkup: Checkup, more: dict[str, Any]) -> Result:
    from gvmpy.doctor.finding import Severity

    counts = {severity.value: checkup.count(severity) for severity in Severity}
    code = 1 if checkup.counting else 2 if checkup.unchecked else 0
    unchecked = [{"check": each.check, "reason": each.reason} for each in checkup.unchecked]
    findings = [_data(finding) for finding in checkup.findings]
    return Result(
        data={"findings": findings, "counts": counts, "unchecked": unchecked, **more},
        text="\n\n".join(
            [*map(_text, checkup.findings), *([] if checkup.counting else ["nothing is wrong here"])]
        ),
        exit_code=code,
        notes=tuple(_notes(checkup, counts)),
    )


def _notes(checkup: Checkup, counts: dict[str, int]) -> Iterator[str]:
    for each in checkup.unchecked:
        yield f"warning: could not check ({each.check}): {one_line(each.reason)}"
    if checkup.counting:
        yield ", ".join(
            f"{number} {word}{'s' if number != 1 else ''}" for word, number in counts.items() if number
        )
    if checkup.treatable:
        yield "hint: gvmpy doctor --fix"


def _text(finding: Finding) -> str:
    word = finding.severity.value
    lines = [
        f"{paint(f'{word}:', _COLOURS[word], sys.stdout)} {one_line(finding.what)} [{finding.id}]",
        f"  where: {one_line(finding.where)}",
        f"  why:   {one_line(finding.why)}",
    ]
    if finding.fix.command:
        safe = (
            " (`gvmpy doctor --fix` does it)"
            if finding.fix.apply and "--fix" not in finding.fix.command
            else ""
        )
        lines.append(f"  fix:   {one_line(finding.fix.command)}{safe}")
    return "\n".join(lines)


def _data(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "what": finding.what,
        "where": finding.where,
        "why": finding.why,
        "fix": {"command": finding.fix.command or None, "safe": finding.fix.apply is not None},
    }
