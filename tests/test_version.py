"""Go's own table of internal/gover (gover_test.go), and an independent order to agree with."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from gvmpy.version import GoVersion

FIRST_WITH_LANGUAGE_VERSIONS = 21


def compare(one: str, other: str) -> int:
    """-1, 0 or 1, by the operators alone."""
    left, right = GoVersion.parse(one), GoVersion.parse(other)
    return (left > right) - (left < right)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1", "1.1", -1),
        ("1.5", "1.6", -1),
        ("1.5", "1.10", -1),
        ("1.6", "1.6.1", -1),
        ("1.19", "1.19.0", 0),
        ("1.19rc1", "1.19", -1),
        ("1.20", "1.20.0", 0),
        ("1.20rc1", "1.20", -1),
        ("1.21", "1.21.0", -1),
        ("1.21", "1.21rc1", -1),
        ("1.21rc1", "1.21.0", -1),
        ("1.6", "1.19", -1),
        ("1.19", "1.19.1", -1),
        ("1.19rc1", "1.19.1", -1),
        ("1.19rc1", "1.19rc2", -1),
        ("1.19rc2", "1.19rc10", -1),
        ("1.19.0", "1.19.1", -1),
        ("1.19rc1", "1.19.0", -1),
        ("1.19alpha3", "1.19beta2", -1),
        ("1.19beta2", "1.19rc1", -1),
        ("1.1", "1.9998", -1),
        ("1.9998", "1.9999", -1),
        ("1.22.9", "1.22.10", -1),
        ("1.99.99", "2", -1),
    ],
)
def test_order_of_go(one: str, other: str, expected: int) -> None:
    assert compare(one, other) == expected
    assert compare(other, one) == -expected
    assert (GoVersion.parse(one) == GoVersion.parse(other)) == (expected == 0)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1", (1, 0, 0, "", 0)),
        ("1.2", (1, 2, 0, "", 0)),
        ("1.2.3", (1, 2, 3, "", 0)),
        ("1.2rc3", (1, 2, -1, "rc", 3)),
        ("1.20", (1, 20, 0, "", 0)),
        ("1.21", (1, 21, -1, "", 0)),
        ("1.21rc3", (1, 21, -1, "rc", 3)),
        ("1.21.0", (1, 21, 0, "", 0)),
        ("1.24", (1, 24, -1, "", 0)),
        ("1.24.0", (1, 24, 0, "", 0)),
        ("go1.22.3", (1, 22, 3, "", 0)),
    ],
)
def test_parts(text: str, key: tuple[int, int, int, str, int]) -> None:
    version = GoVersion.parse(text)
    assert version.key == key
    assert version.minor == key[:2]


@pytest.mark.parametrize(
    "text",
    [
        *("", "go", "x", "1.", ".1", "1..2", "1.22.", "1.22.3.4", "v1.22.3", "gogo1.22", "1.600+auto"),
        *("1.9.2rc2", "1.22.3-custom", "1.22 ", " 1.22", "1.22\n", "1,22", "-1.22", "+1.22", "1.-2"),
        *("01.22", "1.022", "1.22.03", "1.22rc01", "1.22rc", "1.22RC1", "1.22c1", "1.22pre1", "1.22rc1.1"),
        *(
            "1.22/..",
            "../1.22",
            "1.22\0",
            "\u0661.22",
            "1.\u0662",
            "1.22.\u00b2",
            "10000.1",
            "1.22.10000",
            "1.2_2",
        ),
    ],
)
def test_not_a_version(text: str) -> None:
    with pytest.raises(ValueError, match="not a Go version"):
        GoVersion.parse(text)


def test_a_hostile_text_is_not_repeated_in_full() -> None:
    with pytest.raises(ValueError) as caught:
        GoVersion.parse("\x1b[31m" + "9" * 10_000)
    assert len(str(caught.value)) < 100
    assert "\x1b" not in str(caught.value)


def test_a_released_zero_patch_has_one_name() -> None:
    """Up to 1.20 the first release has no `.0` in its name; from 1.21 on it has."""
    assert GoVersion.parse("1.20.0").name == "go1.20"
    assert GoVersion.parse("1.20.0") == GoVersion.parse("1.20")
    assert hash(GoVersion.parse("1.20.0")) == hash(GoVersion.parse("1.20"))
    assert GoVersion.parse("1.21.0").name == "go1.21.0"
    assert GoVersion.parse("1.21.0") != GoVersion.parse("1.21")
    assert GoVersion.parse("1.20.10").name == "go1.20.10"


@pytest.mark.parametrize(
    ("text", "is_release", "is_prerelease"),
    [
        ("1.20", True, False),
        ("1.21", False, False),
        ("1.21.0", True, False),
        ("1.21rc2", True, True),
        ("1.19beta1", True, True),
        ("1.22", False, False),
        ("1", True, False),
    ],
)
def test_what_can_be_a_toolchain(text: str, is_release: bool, is_prerelease: bool) -> None:
    version = GoVersion.parse(text)
    assert (version.is_release, version.is_prerelease) == (is_release, is_prerelease)


numbers = st.integers(0, 30) | st.sampled_from([99, 100, 9999])
languages = st.builds("1.{}".format, numbers)
texts = (
    languages
    | st.builds("{}.{}".format, languages, numbers)
    | st.builds("{}{}{}".format, languages, st.sampled_from(["alpha", "beta", "rc"]), numbers)
)


def by_packaging(text: str) -> Version:
    """PEP 440 orders as Go does, but for the names of language versions."""
    _, minor, *rest = text.split(".")
    if not rest and minor.isdigit() and int(minor) >= FIRST_WITH_LANGUAGE_VERSIONS:
        return Version(f"{text}.dev0")
    return Version(text)


@given(texts, texts)
def test_agrees_with_packaging(one: str, other: str) -> None:
    left, right = by_packaging(one), by_packaging(other)
    assert compare(one, other) == (left > right) - (left < right)


def test_agrees_with_packaging_around_the_change_of_rule() -> None:
    ends = ("", ".0", ".1", ".10", "alpha1", "beta1", "beta2", "rc1", "rc2", "rc10")
    every = [f"1.{minor}{end}" for minor in (9, 19, 20, 21, 22) for end in ends]
    for one, other in itertools.product(every, repeat=2):
        left, right = by_packaging(one), by_packaging(other)
        assert compare(one, other) == (left > right) - (left < right), (one, other)


@given(texts)
def test_the_name_reads_back(text: str) -> None:
    version = GoVersion.parse(text)
    assert GoVersion.parse(version.name) == version
    assert GoVersion.parse(str(version)) == version
    assert compare(version.text, text) == 0


@given(st.text(alphabet="0123456789.gorcbetalph+- ", max_size=12))
def test_junk_is_refused_or_reads_back(text: str) -> None:
    try:
        version = GoVersion.parse(text)
    except ValueError:
        return
    assert GoVersion.parse(version.name) == version
    assert set(version.name) <= set("0123456789.gorcbetalph")
