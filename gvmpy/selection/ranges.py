"""Ranges of versions, in the notations people know from other tools.

Carets, tildes, x-ranges, one span or comparisons, parted by commas or blanks; all have to hold: `^1.21`,
`~1.22.1`, `1.22.x`, `1.20 - 1.22`, `>=1.21,<1.23`, `>1.21 <=1.22.3`, `^1.21 !=1.21.5`. A bound with less than
three numbers stands for its whole line: `<=1.22` includes every 1.22.x, `>1.22` none of them.

Bounds are kept and compared in the words of PEP 440, whose order is Go's but for one thing: to Go, from 1.21
on, `1.21` names the language and goes before 1.21rc1. As `1.21.dev0` it does to PEP 440, too. The lower edge
of any line is written so. `<1.21.0` leaves out 1.21rc1, as PEP 440 has it, though Go orders it before.

Only `contains` and `as_packaging` import packaging: no other request pays for that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gvmpy.errors import UsageError
from gvmpy.selection.request import Exact, Prefix, Range, printable
from gvmpy.version import GoVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from gvmpy.selection.request import Request

_LONGEST = 200
_SPAN = re.compile(r"([^\s,]+)\s+-\s+([^\s,]+)")
# An operator may stand apart from its version: `>= 1.21`.
_TERM = re.compile(r"([\^~<>=!]*)\s*([^\s,^~<>=!|]+)")
_SEPARATOR = re.compile(r"\s*,\s*|\s+")
_OPERATORS = frozenset({"^", "~", ">=", "<=", ">", "<", "=", "==", "!=", ""})
_NUMBERS_OF_A_RELEASE = 3
_EXAMPLES = "write a range such as `^1.21`, `~1.22.1`, `1.22.x` or `>=1.21,<1.23`"


def parse_range(text: str) -> Range:
    """Read a range as the command line takes it. Raises UsageError for anything else."""
    specifiers: list[str] = []
    prereleases = False
    for operator, operand in _terms(text):
        bound = _Bound.parse(operand)
        if not operator and not _is_wildcard(operand):
            raise UsageError(
                f"`{operand}` has no comparison before it",
                hint=f"write `=={operand}` for that version or line alone",
            )
        specifiers.append(_specifier(operator, bound))
        # `!=1.23rc1` bounds nothing.
        prereleases |= bound.version.is_prerelease and operator != "!="
    return Range(" ".join(text.split()), ",".join(specifiers), prereleases)


def contains(bounds: Range, version: GoVersion) -> bool:
    """Whether `version` lies within `bounds`, prereleases like any other."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(bounds.specifiers).contains(as_packaging(version), prereleases=True)


def as_packaging(version: GoVersion) -> Version:
    """Return `version` for packaging to compare: its order is then Go's (internal/gover's Compare)."""
    from packaging.version import Version

    return Version(version.text if version.is_release else f"{version.text}.dev0")


def eligible(request: Prefix | Range, versions: Iterable[GoVersion]) -> list[GoVersion]:
    """Return those of `versions` that `request` may choose from, in their order.

    Prereleases are among them only where nothing else matches, or a bound of the range is one itself.
    """
    matching = [version for version in versions if request.matches(version)]
    if isinstance(request, Range) and request.prereleases:
        return matching
    return [version for version in matching if not version.is_prerelease] or matching


def narrowed(request: Request, versions: Iterable[GoVersion], *, prereleases: bool) -> list[GoVersion]:
    """Return those of `versions` that a list shows for `request`, in their order: all that match, or without
    `prereleases` those that an installation would choose from.

    Raises UsageError for a request that is no version, prefix or range.
    """
    match request:
        case Exact():
            return [version for version in versions if version == request.version]
        case Prefix() | Range() if not prereleases:
            return eligible(request, versions)
        case Prefix() | Range():
            return [version for version in versions if request.matches(version)]
        case _:
            raise UsageError(f"`{request}` is no range", hint=_EXAMPLES)


def _terms(text: str) -> list[tuple[str, str]]:
    """Cut into pairs of operator and operand; a span is two of them."""
    if len(text) > _LONGEST:
        raise UsageError(f"a range cannot be longer than {_LONGEST} characters", hint=_EXAMPLES)
    rest = _SPAN.sub(r">=\1 <=\2", text.strip())
    terms = []
    while term := _TERM.match(rest):
        operator, operand = term.groups()
        if operator not in _OPERATORS:
            hint = f"did you mean `{operator[::-1]}`?" if operator[::-1] in _OPERATORS else _EXAMPLES
            raise UsageError(f"`{operator}` is no comparison", hint=hint)
        terms.append((operator, operand))
        rest = rest[term.end() :]
        separator = _SEPARATOR.match(rest)
        if separator is None:
            break
        rest = rest[separator.end() :] or separator[0].strip()
    if rest or not terms:
        raise UsageError(f"`{printable(text)}` is no range", hint=_EXAMPLES)
    return terms


@dataclass(frozen=True, slots=True)
class _Bound:
    """A version, or a line: `1.22`, `1.22.x`, `1`."""

    version: GoVersion
    text: str
    is_line: bool

    @classmethod
    def parse(cls, operand: str) -> _Bound:
        text = (operand[:-2] if _is_wildcard(operand) else operand).removeprefix("go")
        try:
            version = GoVersion.parse(text)
        except ValueError:
            raise UsageError(f"`{printable(operand)}` is no Go version", hint=_EXAMPLES) from None
        is_line = text.count(".") + 1 < _NUMBERS_OF_A_RELEASE and not version.is_prerelease
        if _is_wildcard(operand) and not is_line:
            raise UsageError(f"`{printable(operand)}` is no line of releases", hint=_EXAMPLES)
        return cls(version, text if is_line else version.text, is_line)

    @property
    def low(self) -> str:
        return f"{self.text}.dev0" if self.is_line else self.text

    @property
    def after_line(self) -> str:
        """The lower edge of the line behind this one; `1` is a line of all 1.x."""
        major, minor = self.version.minor
        return f"{major}.{minor + 1}.dev0" if "." in self.text else self.after_major

    @property
    def after_major(self) -> str:
        return f"{self.version.minor[0] + 1}.dev0"


def _specifier(operator: str, bound: _Bound) -> str:
    """Return what `operator` and `bound` mean, in PEP 440's words."""
    if bound.is_line:
        whole = f"=={bound.text}.*"
        meanings = {"": whole, "=": whole, "==": whole, "~": whole, "!=": f"!={bound.text}.*"}
        meanings |= {">": f">={bound.after_line}", "<=": f"<{bound.after_line}"}
    else:
        meanings = {"=": f"=={bound.low}", "~": f">={bound.low},<{bound.after_line}"}
    meanings["^"] = f">={bound.low},<{bound.after_major}"
    return meanings.get(operator, f"{operator}{bound.low}")


def _is_wildcard(operand: str) -> bool:
    return operand.endswith((".x", ".X", ".*"))
