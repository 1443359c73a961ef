"""How the answers of module proxies and of the checksum database are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gvmpy.profiles.probe import Outcome
from gvmpy.profiles.values import redacted
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from gvmpy.profiles.probe import Asked, Element, Report


def report_data(report: Report) -> dict[str, Any]:
    """Return the report for programs, without users and passwords."""
    return {
        "module": report.module,
        "goproxy": redacted(report.goproxy),
        "gosumdb": redacted(report.gosumdb),
        "works": report.works,
        "verdict": report.verdict,
        "elements": [
            {
                **_asked_data(element.asked),
                "separator": element.separator,
                "reached": element.reached,
                "goes_on": element.goes_on,
                "relays_sumdb": element.relays,
            }
            for element in report.elements
        ],
        "sumdb": _asked_data(report.database) if report.database else None,
    }


def _asked_data(asked: Asked) -> dict[str, Any]:
    return {
        "address": asked.address,
        "outcome": asked.outcome.value,
        "status": asked.status,
        "milliseconds": asked.milliseconds,
        "reason": asked.reason,
    }


def report_table(report: Report) -> str:
    """Return the report for people: a line for each address asked, and what was wrong with any."""
    rows = [
        (element.asked.address, *_answer_cells(element.asked), _relays(element), _then(element))
        for element in report.elements
    ]
    if report.database:
        rows.append((f"sumdb: {report.database.address}", *_answer_cells(report.database), "", ""))
    else:
        rows.append(("sumdb", "not asked", "", "", ""))
    header = ("ASKED", "ANSWER", "TIME", "RELAYS SUMDB", "THEN GO")
    reasons = [
        f"{asked.address}: {asked.reason}"
        for asked in (*(element.asked for element in report.elements), *filter(None, [report.database]))
        if asked.outcome is not Outcome.SERVED
    ]
    return "\n".join([table(header, rows), *([""] if reasons else []), *reasons])


def _answer_cells(asked: Asked) -> tuple[str, str]:
    return asked.outcome.value, "" if asked.milliseconds is None else f"{asked.milliseconds} ms"


def _relays(element: Element) -> str:
    return {True: "yes", False: "no", None: ""}[element.relays]


def _then(element: Element) -> str:
    if not element.reached:
        return "does not come here"
    if element.asked.outcome is Outcome.SERVED:
        return "takes it"
    return "goes on" if element.goes_on else "stops"
