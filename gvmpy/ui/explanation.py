"""How `gvmpy current --explain` shows what could have chosen a Go, and what did."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from gvmpy.home import Home
from gvmpy.selection.explain import explain
from gvmpy.selection.files import current_directory
from gvmpy.ui.result import Result
from gvmpy.ui.style import one_line
from gvmpy.ui.tables import table

if TYPE_CHECKING:
    from gvmpy.selection.explain import Explanation, HandOn
    from gvmpy.version import GoVersion

_HEADER = ("", "STEP", "WHAT", "MEANS", "OUTCOME")


def explained() -> Result:
    """Say what could choose the Go here, and what became of each; fails as `current` does."""
    explanation = explain(Home.from_environment(os.environ), os.environ, current_directory(os.environ))
    rows = [
        ("*" if each.chosen else "", str(each.step), each.what, each.means or "-", each.outcome)
        for each in explanation.candidates
    ]
    sentence = _sentence(explanation)
    error = explanation.error
    return Result(
        data={
            "candidates": [asdict(each) for each in explanation.candidates],
            "gotoolchain": _object(explanation.hand_on),
        },
        text=table(_HEADER, rows) + (f"\n\n{one_line(sentence)}" if sentence else ""),
        exit_code=error.exit_code if error else 0,
        errors=(error,) if error else (),
    )


def _object(hand_on: HandOn | None) -> dict[str, str | None] | None:
    if hand_on is None:
        return None
    return {
        "setting": hand_on.setting.value,
        "origin": hand_on.setting.origin,
        **asdict(hand_on.prediction),
    }


def _sentence(explanation: Explanation) -> str:
    """Say what the go command then does; nothing where there is none."""
    selection, hand_on = explanation.selection, explanation.hand_on
    if selection is None:
        return ""
    if selection.version is None or hand_on is None:
        return "What GOTOOLCHAIN makes of it is not known: a Go that is not gvmpy's is not asked."
    setting = hand_on.setting
    lead = (
        f"With GOTOOLCHAIN={setting.value} from {setting.origin}" if setting.value else "With no GOTOOLCHAIN"
    )
    return f"{lead}, {_clause(selection.version, hand_on)}: {hand_on.prediction.reason}."


def _clause(running: GoVersion, hand_on: HandOn) -> str:
    prediction = hand_on.prediction
    match prediction.action:
        case "runs":
            return f"{running.name} does the work itself"
        case "switches":
            how = "found on PATH" if prediction.how == "path" else "to be downloaded"
            return f"{running.name} hands on to Go {prediction.version}, {how}"
        case "refuses":
            return f"{running.name} does not do the work, and Go {prediction.version} would have to"
        case "invalid":
            return f"no command of {running.name} works"
