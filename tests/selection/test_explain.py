"""What `gvmpy current --explain` is told: every candidate, and the winner that select() gives."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given, settings

from gvmpy.home import Home
from gvmpy.selection.explain import explain
from gvmpy.selection.resolve import Origin, select
from gvmpy.version import GoVersion
from tests.selection.trees import Case, built, cases, projects, put_tools

if TYPE_CHECKING:
    from pathlib import Path

    from gvmpy.selection.explain import Candidate

STEPS = {Origin.SHELL: 1, Origin.PIN: 2, Origin.MODULE: 3, Origin.DEFAULT: 4, Origin.SYSTEM: 5}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "root")
    home.prepare()
    for text in ("1.21.6", "1.22.3", "1.22.9"):
        goroot = home.goroot(GoVersion.parse(text))
        put_tools(goroot / "bin")
        (goroot / "VERSION").write_text(f"go{text}\n")
        (home.receipts / f"go{text}.json").write_text("{}")
    home.default_link.symlink_to("../versions/go1.21.6")
    return home


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "project" / "deep"
    place.mkdir(parents=True)
    return place


def outcomes(found: tuple[Candidate, ...], step: int) -> list[tuple[str | None, str, bool]]:
    return [(each.means, each.outcome, each.chosen) for each in found if each.step == step]


def test_nothing_but_the_default(home: Home, place: Path) -> None:
    put_tools(place / "bin")
    put_tools(place / "more")
    path = f"{place}/bin:relative:{place}/more:{place}/bin"
    found = explain(home, {"PATH": path}, place).candidates
    assert outcomes(found, 1) == [(None, "not set", False)]
    assert outcomes(found, 2) == [(None, "none from here upward", False)]
    assert outcomes(found, 3) == [(None, "none that go would read", False)]
    assert outcomes(found, 4) == [("1.21.6", "chosen", True)]
    assert outcomes(found, 5) == [("system", "step 4 decides", False)] * 2
    home.default_link.unlink()
    found = explain(home, {"PATH": path}, place).candidates
    assert outcomes(found, 5) == [
        ("system", "chosen", True),
        ("system", "an earlier entry of PATH decides", False),
    ]


def test_pins_beside_and_above(home: Home, place: Path) -> None:
    (place / ".tool-versions").write_text("nodejs 20\ngolang 1.21.6\n")
    (place / ".go-version").write_text("1.22\n")
    (place.parent / ".tool-versions").write_text("nodejs 20\n")
    (place.parent / ".go-version").write_text("# nothing\n")
    (place / "go.mod").write_text("go 1.22.5\n")
    found = explain(home, {"PATH": ""}, place).candidates
    assert outcomes(found, 2)[:4] == [
        ("1.22.9", "chosen", True),
        ("1.21.6", "`.go-version` beside it goes first", False),
        (None, "a nearer file decides", False),
        (None, "names no Go", False),
    ]
    assert outcomes(found, 3) == [("1.22.9", "step 2 decides", False)]
    assert outcomes(found, 4) == [("1.21.6", "step 2 decides", False)]
    found = explain(home, {"PATH": "", "GVMPY_VERSION": "1.22.3"}, place).candidates
    assert outcomes(found, 1) == [("1.22.3", "chosen", True)]
    assert {outcome for _, outcome, _ in outcomes(found, 2)} == {"step 1 decides", "names no Go"}


@pytest.mark.parametrize(
    ("text", "lines", "default"),
    [
        (
            "go 1.22\ntoolchain go1.22.3\n",
            [("1.22.3", "chosen", True), ("1.22.9", "the toolchain line decides", False)],
            "1.21.6 does not satisfy go 1.22",
        ),
        (
            "go 1.22\ntoolchain go1.21.6\n",
            [("1.21.6", "1.21.6 does not satisfy go 1.22", False), ("1.22.9", "chosen", True)],
            "1.21.6 does not satisfy go 1.22",
        ),
        (
            "go 1.21\ntoolchain go1.22.4\n",
            [(None, "not installed", False), ("1.21.6", "the default satisfies go 1.21", False)],
            "chosen",
        ),
        (
            "go 1.99\ntoolchain default\n",
            [
                (None, "toolchain default: no preference", False),
                (None, "nothing installed satisfies go 1.99", False),
            ],
            "chosen",
        ),
        (
            "go 1.20\ntoolchain go1.22.3\n",
            [("1.22.3", "chosen", True), ("1.21.6", "the toolchain line decides", False)],
            "step 3 decides",
        ),
        (
            "go \x1b[31m\ntoolchain ../x\n",
            [(None, "names no release", False), (None, "names no version", False)],
            "chosen",
        ),
        ("module example.com/m\n", [(None, "no go line, no toolchain line", False)], "chosen"),
    ],
)
def test_go_mod(
    home: Home, place: Path, text: str, lines: list[tuple[str | None, str, bool]], default: str
) -> None:
    (place / "go.mod").write_text(text)
    found = explain(home, {"PATH": ""}, place).candidates
    assert outcomes(found, 3) == lines
    assert outcomes(found, 4) == [("1.21.6", default, default == "chosen")]
    assert not any("\x1b" in each.what for each in found)


@pytest.mark.parametrize(
    ("word", "kind"), [("1.22.99", "not-installed"), ("\x1b[31m", "usage"), ("#", "usage")]
)
def test_a_pin_that_fails(home: Home, place: Path, word: str, kind: str) -> None:
    (place / ".go-version").write_text(word)
    explanation = explain(home, {"PATH": ""}, place)
    assert outcomes(explanation.candidates, 2)[0] == (None, f"decides, and fails ({kind})", True)
    assert outcomes(explanation.candidates, 4) == [("1.21.6", "step 2 decides", False)]
    assert explanation.error is not None
    assert (explanation.selection, explanation.hand_on) == (None, None)


def test_a_prefix_where_the_receipts_are_no_directory(home: Home, place: Path) -> None:
    shutil.rmtree(home.receipts)
    home.receipts.write_text("no directory")
    (place / "go.mod").write_text("go 1.22\n")
    found = explain(home, {"PATH": "", "GVMPY_VERSION": "1.22"}, place).candidates
    assert outcomes(found, 1) == [(None, "decides, and fails (not-installed)", True)]
    assert outcomes(found, 3) == [(None, "nothing installed satisfies go 1.22", False)]


def test_what_gotoolchain_does_then(home: Home, place: Path) -> None:
    (place / "go.mod").write_text("go 1.99\n")
    environ = {"PATH": "", "GOTOOLCHAIN": "local", "GOENV": "off"}
    hand_on = explain(home, environ, place).hand_on
    assert hand_on is not None
    assert (hand_on.setting.origin, hand_on.prediction.action) == ("$GOTOOLCHAIN", "refuses")
    hand_on = explain(home, environ | {"GOTOOLCHAIN": "auto"}, place).hand_on
    assert hand_on is not None
    assert (hand_on.prediction.action, hand_on.prediction.how) == ("invalid", None)
    hand_on = explain(home, environ | {"GO111MODULE": "off"}, place).hand_on
    assert hand_on is not None
    assert hand_on.prediction.action == "runs"


@settings(max_examples=400)
@given(cases)
def test_the_winner_is_the_one_selected(case: Case) -> None:
    agree(case)


@settings(max_examples=400)
@given(projects)
def test_the_winner_is_the_one_selected_in_projects(case: Case) -> None:
    agree(case)


def agree(case: Case) -> None:
    with built(case) as it:
        explanation = explain(it.home, it.environ, it.directory)
        chosen = [each for each in explanation.candidates if each.chosen]
        assert [each.step for each in explanation.candidates] == sorted(
            each.step for each in explanation.candidates
        )
        if explanation.error is not None:
            event(f"fails: {explanation.error.kind}")
            with pytest.raises(type(explanation.error)) as raised:
                select(it.home, it.environ, it.directory)
            assert str(raised.value) == explanation.error.message
            assert len(chosen) == (0 if str(raised.value).startswith("no Go is chosen here") else 1)
            assert all(each.means is None for each in chosen)
            return
        selection = select(it.home, it.environ, it.directory)
        event(f"chosen by: {selection.origin.value}")
        assert explanation.selection == selection
        [winner] = chosen
        name = selection.version.text if selection.version else str(selection.goroot or "system")
        assert (winner.step, winner.means, winner.outcome) == (STEPS[selection.origin], name, "chosen")
        if selection.origin in {Origin.PIN, Origin.MODULE}:
            assert winner.what.startswith(f"{selection.reason}: ")
        if selection.origin is Origin.SYSTEM:
            assert winner.what == f"`{selection.binary}`"
