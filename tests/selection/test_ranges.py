"""Ranges: what they mean by a table, and by an order that owes nothing to packaging."""

from __future__ import annotations

import itertools
import operator
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.errors import NoSuchVersionError, UsageError
from gvmpy.home import Home
from gvmpy.install.plan import newest
from gvmpy.releases.model import Release
from gvmpy.selection.ranges import as_packaging, eligible, narrowed, parse_range
from gvmpy.selection.request import Range, parse_pin, parse_request
from gvmpy.selection.resolve import match_installed
from gvmpy.version import GoVersion
from tests.selection.trees import put_tools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDS = ("", ".0", ".1", ".10", "alpha1", "beta1", "beta2", "rc1", "rc2", "rc10")
EVERY = [GoVersion.parse(f"1.{minor}{end}") for minor in (9, 19, 20, 21, 22, 23) for end in ENDS]
EVERY += [GoVersion.parse(text) for text in ("1", "2", "2.0.1", "2.21", "2.22.0")]

LISTED = [
    GoVersion.parse(text)
    for text in (
        *("1", "1.2.2", "1.9.7", "1.20rc1", "1.20", "1.20.14", "1.21rc4", "1.21.0", "1.21.13"),
        *("1.22.0", "1.22.1", "1.22.9", "1.22.10", "1.23rc1", "1.23rc2"),
    )
]


def chosen(text: str) -> str:
    return max(eligible(parse_range(text), LISTED)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^1.21", "1.22.10"),
        ("^1.22.1", "1.22.10"),
        ("^1", "1.22.10"),
        ("^go1.21", "1.22.10"),
        ("~1.22.1", "1.22.10"),
        ("~1.21", "1.21.13"),
        ("~1", "1.22.10"),
        (">=1.21,<1.23", "1.22.10"),
        (">=1.21 <1.22", "1.21.13"),
        (">= 1.21 , < 1.22", "1.21.13"),
        (">=1.21\t<1.22", "1.21.13"),
        ("1.20 - 1.21", "1.21.13"),
        ("1.20 - 1.22.1", "1.22.1"),
        ("1.2 - 1.9", "1.9.7"),
        ("1.20.0 - 1.20.0", "1.20"),
        (">1.21 <=1.22.3", "1.22.1"),
        (">1.22.1 <1.22.10", "1.22.9"),
        ("<=1.20", "1.20.14"),
        ("<1.20", "1.9.7"),
        ("<1.21.0", "1.20.14"),
        ("<=1.21.0", "1.21.0"),
        ("<1.20.0", "1.9.7"),
        ("1.22.x", "1.22.10"),
        ("1.22.*", "1.22.10"),
        ("1.X", "1.22.10"),
        ("=1.21", "1.21.13"),
        ("==1.22.9", "1.22.9"),
        ("=1.20.0", "1.20"),
        ("<1.23 !=1.22", "1.21.13"),
        ("1.22.x !=1.22.10", "1.22.9"),
        ("1.22.x, !=1.22.10, !=1.22.9", "1.22.1"),
        ("!=1.22.x <1.23", "1.21.13"),
        ("<2", "1.22.10"),
        ("<=1", "1.22.10"),
        # Prereleases where nothing else is, or where a bound is one.
        (">=1.23", "1.23rc2"),
        ("~1.23", "1.23rc2"),
        (">1.22", "1.23rc2"),
        ("~1.23rc1", "1.23rc2"),
        ("^1.23rc1", "1.23rc2"),
        (">=1.21rc1", "1.23rc2"),
        ("1.21rc1 - 1.21", "1.21.13"),
        ("<1.23rc2", "1.23rc1"),
        ("<=1.23", "1.22.10"),
        (">=1.21 !=1.23rc1", "1.22.10"),
    ],
)
def test_a_range_chooses(text: str, expected: str) -> None:
    assert chosen(text) == expected
    assert chosen(f"  {text} ") == expected
    request = parse_request(text)
    assert isinstance(request, Range)
    releases = [Release(version, stable=not version.is_prerelease) for version in LISTED]
    assert newest(request, releases[::-1]).text == expected


@pytest.mark.parametrize("text", [">1.23", "<1", ">=2", "~1.8", ">1.22 <1.21", "1.22 - 1.20", ">1"])
def test_a_range_without_an_answer(text: str) -> None:
    assert eligible(parse_range(text), LISTED) == []


def test_an_open_bound_leaves_out_the_prereleases_of_its_line() -> None:
    """Go has 1.22 before 1.22rc1, and 1.20rc1 before 1.20: a bound means the line in both."""
    for text, line in ((">=1.20 <1.21", "1.20"), (">=1.22 <1.23", "1.22"), (">1.21 <=1.22", "1.22")):
        found = [version for version in EVERY if parse_range(text).matches(version)]
        expected = [v for v in EVERY if v.minor == GoVersion.parse(line).minor and v.is_release]
        assert found == expected


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("=>1.21", "`=>` is no comparison", "did you mean `>=`?"),
        ("=<1.21", "`=<` is no comparison", "did you mean `<=`?"),
        ("~>1.21", "`~>` is no comparison", "write a range such as"),
        ("~=1.21", "`~=` is no comparison", "write a range such as"),
        ("===1.21", "`===` is no comparison", "write a range such as"),
        ("^1.21 || ^1.22", "`^1.21 || ^1.22` is no range", "write a range such as"),
        ("1.21 1.22", "`1.21` has no comparison before it", "write `==1.21`"),
        (">=1.21, 1.22.3", "`1.22.3` has no comparison before it", "write `==1.22.3`"),
        ("1.22 ", "`1.22` has no comparison before it", "write `==1.22`"),
        ("1.20 - 1.21 - 1.22", "`-` is no Go version", "write a range such as"),
        (">=", "`>=` is no range", "write a range such as"),
        (">=1.21,", "`>=1.21,` is no range", "write a range such as"),
        (",>=1.21", "`,>=1.21` is no range", "write a range such as"),
        (">=1.21,,<1.22", "`>=1.21,,<1.22` is no range", "write a range such as"),
        (">=1.21<1.22", "`>=1.21<1.22` is no range", "write a range such as"),
        ("^v1.21", "`v1.21` is no Go version", "write a range such as"),
        (">=1.22.3.4", "`1.22.3.4` is no Go version", "write a range such as"),
        (">=1.021", "`1.021` is no Go version", "write a range such as"),
        (">=latest", "`latest` is no Go version", "write a range such as"),
        ("1.22.3.x", "`1.22.3.x` is no line of releases", "write a range such as"),
        ("1.x.x", "`1.x.x` is no Go version", "write a range such as"),
        ("1.23rc1.x", "`1.23rc1.x` is no line of releases", "write a range such as"),
        (">=1.\u0662", "`1.\u0662` is no Go version", "write a range such as"),
        (">1.2" * 90, "a range cannot be longer than 200 characters", "write a range such as"),
        ("", "`` is no range", "write a range such as"),
    ],
)
def test_malformed(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_range(text)
    assert caught.value.message == message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["^1.21", "~1.22.1", ">=1.21,<1.23", "1.20 - 1.22", "1.22.x", "!=1.22"])
def test_a_pin_holds_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="neither a version nor an alias"):
        parse_pin(text)


def test_a_refusal_shows_no_control_characters() -> None:
    with pytest.raises(UsageError) as caught:
        parse_request("^1\x1b[31m2")
    assert caught.value.message == "`1?[31m2` is no Go version"


def test_a_range_is_shown_as_written() -> None:
    assert str(parse_request("  >=1.21,  <1.23 ")) == ">=1.21, <1.23"


def test_match_installed(tmp_path: Path) -> None:
    home = Home(tmp_path / "root")
    home.prepare()
    for version in LISTED:
        put_tools(home.goroot(version) / "bin")
        home.receipt(version).write_text("{}")
    assert match_installed(parse_request("^1.21"), home).text == "1.22.10"
    assert match_installed(parse_request(">=1.23"), home).text == "1.23rc2"
    with pytest.raises(NoSuchVersionError) as caught:
        match_installed(parse_request(">=1.24 <2"), home)
    assert caught.value.message == "no installed Go matches `>=1.24 <2`"
    assert caught.value.hint == "gvmpy install '>=1.24 <2'"


def test_a_list_is_narrowed() -> None:
    def texts(text: str, *, prereleases: bool) -> list[str]:
        return [v.text for v in narrowed(parse_request(text), LISTED, prereleases=prereleases)]

    assert texts("1.22", prereleases=False) == ["1.22.0", "1.22.1", "1.22.9", "1.22.10"]
    assert texts("~1.21", prereleases=False) == ["1.21.0", "1.21.13"]
    assert texts("~1.21", prereleases=True) == ["1.21rc4", "1.21.0", "1.21.13"]
    assert texts(">=1.23", prereleases=False) == ["1.23rc1", "1.23rc2"]
    assert texts("1.20.0", prereleases=False) == ["1.20"]
    assert texts("1.99", prereleases=True) == []
    for text in ("latest", "work", "system", "-"):
        with pytest.raises(UsageError, match=f"^`{text}` is no range$"):
            texts(text, prereleases=True)


def test_the_mapping_to_packaging_has_the_order_of_go() -> None:
    assert as_packaging(GoVersion.parse("1.22")).dev == 0
    for one, other in itertools.product(EVERY, repeat=2):
        left, right = as_packaging(one), as_packaging(other)
        assert (left < right, left == right) == (one < other, one == other), (one, other)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
lines = st.sampled_from(["1", "1.9", "1.19", "1.20", "1.21", "1.22", "1.23", "2"])
releases = st.sampled_from([version.text for version in EVERY if version.text.count(".") == 2])
prereleases = st.sampled_from([version.text for version in EVERY if version.is_prerelease])


def key_to(version: GoVersion, bound: GoVersion, *, of_line: bool) -> tuple[object, object]:
    """Return what stands for both in a comparison: of a line only the numbers that it names."""
    if not of_line:
        return version.key, bound.key
    numbers = bound.text.count(".") + 1
    return version.minor[:numbers], bound.minor[:numbers]


@given(st.sampled_from(list(COMPARISONS)), lines | releases | prereleases)
def test_comparisons_agree_with_the_order_of_go(comparison: str, text: str) -> None:
    request, bound = parse_range(f"{comparison}{text}"), GoVersion.parse(text)
    of_line = text.count(".") < 2 and not bound.is_prerelease
    for version in EVERY:
        expected = version.is_release and COMPARISONS[comparison](*key_to(version, bound, of_line=of_line))
        if comparison == "<" and text.endswith(".0") and version.is_prerelease:
            expected = expected and version.minor != bound.minor
        assert request.matches(version) == expected, version


@given(st.lists(st.tuples(st.sampled_from(list(COMPARISONS)), lines | releases | prereleases), min_size=2))
def test_all_parts_have_to_hold(parts: list[tuple[str, str]]) -> None:
    texts = [f"{comparison}{text}" for comparison, text in parts][:12]
    for separator in (",", " ", ", "):
        request = parse_range(separator.join(texts))
        for version in EVERY:
            assert request.matches(version) == all(parse_range(text).matches(version) for text in texts)


@given(lines | releases | prereleases, lines | releases | prereleases)
def test_short_forms_are_comparisons(low: str, high: str) -> None:
    version = GoVersion.parse(low)
    major, minor = version.minor
    next_line = f"{major}.{minor + 1}" if "." in low else f"{major + 1}"
    pairs = {
        f"^{low}": f">={low} <{major + 1}",
        f"~{low}": f">={low} <{next_line}",
        f"{low} - {high}": f">={low} <={high}",
    }
    for short, long in pairs.items():
        for other in EVERY:
            assert parse_range(short).matches(other) == parse_range(long).matches(other), (short, other)


junk = st.text("0123456789.^~<>=!*|, x-gorc\t", max_size=20) | st.text(string.printable, max_size=20)


@given(junk)
def test_junk_is_refused_or_means_something(text: str) -> None:
    try:
        request = parse_range(text)
    except UsageError:
        return
    assert parse_range(str(request)) == request
    for version in EVERY:
        request.matches(version)
