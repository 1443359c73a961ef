"""Why this Go and no other: everything that could choose one here, and what came of it.

The winner is what select() answers, never worked out a second time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from gvmpy.errors import GvmpyError
from gvmpy.selection.files import FILE_NAME, pin_files
from gvmpy.selection.gofiles import find_go_file
from gvmpy.selection.gotoolchain import looks_on_path, predict, setting_of, uses_modules
from gvmpy.selection.request import printable
from gvmpy.selection.resolve import (
    Origin,
    choose_for,
    default_satisfies,
    find_system_go,
    select,
    stated_version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gvmpy.goenv.settings import Setting
    from gvmpy.home import Home
    from gvmpy.selection.files import Pin
    from gvmpy.selection.gofiles import GoFile
    from gvmpy.selection.gotoolchain import Prediction
    from gvmpy.selection.resolve import Selection
    from gvmpy.version import GoVersion

_T = TypeVar("_T")

_SHELL, _PIN, _MODULE, _DEFAULT, _SYSTEM = range(1, 6)
_STEPS = {
    Origin.SHELL: _SHELL,
    Origin.PIN: _PIN,
    Origin.MODULE: _MODULE,
    Origin.DEFAULT: _DEFAULT,
    Origin.SYSTEM: _SYSTEM,
}
_NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that could choose, at its `step` of the order (1 to 5).

    `means` is the version it leads to, `system`, or the GOROOT of a Go that is not ours; None where it leads
    nowhere. `outcome` is a clause: why it lost, `chosen`, or how the choice failed.
    """

    step: int
    what: str
    means: str | None
    outcome: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class HandOn:
    """What the chosen Go then does by its GOTOOLCHAIN, and where the setting is from."""

    setting: Setting
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Explanation:
    """All candidates in the order of the steps; at most one is chosen.

    Of `selection` and `error` one is None: what select() returned or raised. `hand_on` is None without a
    version of ours.
    """

    candidates: tuple[Candidate, ...]
    selection: Selection | None
    error: GvmpyError | None
    hand_on: HandOn | None


def explain(home: Home, environ: Mapping[str, str], cwd: Path | None) -> Explanation:
    """Say what could choose the Go for `cwd`, and what does. What select() raises is in the answer."""
    selection, error = None, None
    try:
        selection = select(home, environ, cwd)
    except GvmpyError as raised:
        error = raised
    candidates = tuple(_Survey(home, environ, cwd, selection, error).candidates())
    return Explanation(candidates, selection, error, _hand_on(selection, environ, cwd))


def _hand_on(selection: Selection | None, environ: Mapping[str, str], cwd: Path | None) -> HandOn | None:
    if selection is None or selection.version is None:
        return None
    go_file = find_go_file(cwd, environ)
    in_module = find_go_file(cwd, {**environ, "GOWORK": "off"}) is not None
    setting = setting_of(environ, selection.goroot)
    prediction = predict(
        selection.version,
        setting.value,
        go_file.go if go_file and go_file.go_line else None,
        go_file.toolchain if go_file and go_file.toolchain_line else None,
        on_path=looks_on_path(environ),
        modules=uses_modules(environ, selection.goroot, in_module=in_module),
    )
    return HandOn(setting, prediction)


@dataclass(frozen=True, slots=True)
class _Survey:
    """One look at everything, knowing what select() said."""

    home: Home
    environ: Mapping[str, str]
    cwd: Path | None
    selection: Selection | None
    error: GvmpyError | None

    def candidates(self) -> Iterator[Candidate]:
        step = self._deciding_step()
        yield self._shell(step)
        yield from self._pins(step)
        yield from self._module(step)
        yield self._default(step)
        yield from self._system(step)

    def _deciding_step(self) -> int | None:
        """Return the step that chose, or whose failure is the error; None where nothing is chosen here."""
        if self.selection is not None:
            return _STEPS[self.selection.origin]
        if self.environ.get("GVMPY_VERSION"):
            return _SHELL
        if any(pin is not None or failure is not None for _, pin, failure in self._read_pins()):
            return _PIN
        _, fails = self._chosen_by_file(find_go_file(self.cwd, self.environ))
        if fails:
            return _MODULE
        return _DEFAULT if os.path.lexists(self.home.default_link) else None

    def _won(self) -> str:
        return "chosen" if self.error is None else f"decides, and fails ({self.error.kind})"

    def _shell(self, step: int | None) -> Candidate:
        asked = self.environ.get("GVMPY_VERSION", "")
        if not asked:
            return Candidate(_SHELL, "$GVMPY_VERSION", None, "not set", chosen=False)
        what = f"$GVMPY_VERSION: {printable(asked)}"
        return Candidate(_SHELL, what, self._meaning(asked), self._won(), chosen=step == _SHELL)

    def _read_pins(self) -> Iterator[tuple[Path, Pin | None, GvmpyError | None]]:
        for path, read in pin_files(self.cwd):
            try:
                yield path, read(path), None
            except GvmpyError as error:
                yield path, None, error

    def _pins(self, step: int | None) -> Iterator[Candidate]:
        first = None
        found = False
        for path, pin, failure in self._read_pins():
            found = True
            what = f"`{path}`" if pin is None else f"{pin}: {printable(pin.word)}"
            means = None if pin is None else self._meaning(pin.word)
            if pin is None and failure is None:
                yield Candidate(_PIN, what, None, "names no Go", chosen=False)
            elif step == _PIN and first is None:
                first = path
                yield Candidate(_PIN, what, means, self._won(), chosen=True)
            else:
                yield Candidate(_PIN, what, means, _lost_to(path, first, step), chosen=False)
        if not found:
            yield Candidate(_PIN, ".go-version, .tool-versions", None, "none from here upward", chosen=False)

    def _module(self, step: int | None) -> Iterator[Candidate]:
        go_file = find_go_file(self.cwd, self.environ)
        if go_file is None or not (go_file.go_line or go_file.toolchain_line):
            what = "go.work, go.mod" if go_file is None else f"`{go_file.path}`"
            outcome = "none that go would read" if go_file is None else "no go line, no toolchain line"
            yield Candidate(_MODULE, what, None, outcome, chosen=False)
            return
        chosen, _ = self._chosen_by_file(go_file)
        line = chosen[1] if chosen else go_file.go_line
        if go_file.toolchain_line:
            won = step == _MODULE and line == go_file.toolchain_line
            what = f"`{go_file.path}` line {go_file.toolchain_line}: toolchain {printable(go_file.toolchain)}"
            outcome = self._won() if won else self._toolchain_lost(go_file, step)
            means = go_file.preferred.text if go_file.preferred and outcome != _NOT_INSTALLED else None
            yield Candidate(_MODULE, what, means, outcome, chosen=won)
        if go_file.go_line:
            yield self._go_line(go_file, step, won=step == _MODULE and line == go_file.go_line)

    def _toolchain_lost(self, go_file: GoFile, step: int | None) -> str:
        preferred, minimum = go_file.preferred, go_file.minimum
        if go_file.toolchain == "default":
            return "toolchain default: no preference"
        if preferred is None:
            return "names no release"
        if not _quietly(lambda: self.home.is_installed(preferred)):
            return _NOT_INSTALLED
        if minimum is not None and preferred < minimum:
            return f"{preferred} does not satisfy go {minimum}"
        return _decides(step)

    def _go_line(self, go_file: GoFile, step: int | None, *, won: bool) -> Candidate:
        what = f"`{go_file.path}` line {go_file.go_line}: go {printable(go_file.go)}"
        minimum = go_file.minimum
        if minimum is None:
            return Candidate(_MODULE, what, None, "names no version", chosen=False)
        # What the line takes by itself, whatever the toolchain line says.
        taken, _ = self._chosen_by_file(replace(go_file, toolchain="", toolchain_line=0))
        means = taken[0].text if taken else None
        satisfied = _quietly(lambda: default_satisfies(minimum, self.home))
        if taken is None and satisfied:
            means = self._default_meaning()
        if won:
            outcome = self._won()
        elif taken is None and not satisfied:
            outcome = f"nothing installed satisfies go {minimum}"
        elif step == _MODULE:
            outcome = "the toolchain line decides"
        else:
            outcome = f"the default satisfies go {minimum}" if step == _DEFAULT else _decides(step)
        return Candidate(_MODULE, what, means, outcome, chosen=won)

    def _chosen_by_file(self, go_file: GoFile | None) -> tuple[tuple[GoVersion, int] | None, bool]:
        """Return what choose_for() says, and whether it fails: the receipts may not be readable."""
        try:
            return (choose_for(go_file, self.home) if go_file is not None else None), False
        except (GvmpyError, OSError):
            return None, True

    def _default(self, step: int | None) -> Candidate:
        what = "the default, links/go"
        if not os.path.lexists(self.home.default_link):
            return Candidate(_DEFAULT, what, None, "not set", chosen=False)
        means = self._default_meaning()
        if step == _DEFAULT:
            return Candidate(_DEFAULT, what, means, self._won(), chosen=True)
        outcome = _decides(step) if means is not None else "leads to no toolchain"
        if step == _MODULE and means is not None:
            outcome = self._default_lost_to_module(outcome)
        return Candidate(_DEFAULT, what, means, outcome, chosen=False)

    def _default_lost_to_module(self, otherwise: str) -> str:
        go_file = find_go_file(self.cwd, self.environ)
        minimum = go_file.minimum if go_file else None
        if minimum is None or _quietly(lambda: default_satisfies(minimum, self.home)):
            return otherwise
        stated = stated_version(self.home.default_link)
        return f"{stated or 'it'} does not satisfy go {minimum}"

    def _default_meaning(self) -> str | None:
        found = _quietly(lambda: select(self.home, {**self.environ, "GVMPY_VERSION": ""}, None))
        return _name(found) if found is not None and found.origin is Origin.DEFAULT else None

    def _system(self, step: int | None) -> Iterator[Candidate]:
        seen: list[Path] = []
        for entry in self.environ.get("PATH", os.defpath).split(":"):
            binary = find_system_go({"PATH": entry}, self.home)
            if binary is None or binary in seen:
                continue
            seen.append(binary)
            won = step == _SYSTEM and len(seen) == 1
            outcome = self._won() if won else _decides(step)
            if step == _SYSTEM and not won:
                outcome = "an earlier entry of PATH decides"
            yield Candidate(_SYSTEM, f"`{binary}`", "system", outcome, chosen=won)
        if not seen:
            yield Candidate(_SYSTEM, "PATH", None, "no `go` outside gvmpy", chosen=False)

    def _meaning(self, word: str) -> str | None:
        """Return what `word` leads to as a pin, which is what it does as $GVMPY_VERSION."""
        found = _quietly(lambda: select(self.home, {**self.environ, "GVMPY_VERSION": word}, None))
        return _name(found) if found is not None else None


def _quietly(look: Callable[[], _T]) -> _T | None:
    """Return what `look` gives; None where it fails, as what did not choose is no reason to fail."""
    try:
        return look()
    except (GvmpyError, OSError):
        return None


def _lost_to(path: Path, first: Path | None, step: int | None) -> str:
    """Say why the pin at `path` does not count, where that at `first` may."""
    if first is None:
        return _decides(step)
    return f"`{FILE_NAME}` beside it goes first" if path.parent == first.parent else "a nearer file decides"


def _decides(step: int | None) -> str:
    return "not asked" if step is None else f"step {step} decides"


def _name(selection: Selection) -> str:
    if selection.version is not None:
        return selection.version.text
    return "system" if selection.goroot is None else str(selection.goroot)
