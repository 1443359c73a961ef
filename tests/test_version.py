"""What Go's own tests hold of versions (internal/gover), Go itself, and packaging, to agree with."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.selection.ranges import as_packaging
from gvmpy.version import GoVersion
from tests.support.goroots import BUILDS, put_goroot
from tests.support.toolchains import CACHE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.toolchains import Toolchain


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
        ("2.0", "2.0.0", 0),
        ("2.21", "2.21.0", -1),
        ("0.21", "0.21rc1", -1),
    ],
)
def test_order_of_go(one: str, other: str, expected: int) -> None:
    assert compare(one, other) == expected
    assert compare(other, one) == -expected
    assert (GoVersion.parse(one) == GoVersion.parse(other)) == (expected == 0)


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("1", "1.0.0"), ("2", "2.0")])
def test_neither_goes_first(one: str, other: str) -> None:
    """To Go they are the same; only one is the name of a release, so they stay two."""
    left, right = GoVersion.parse(one), GoVersion.parse(other)
    assert not left < right
    assert not right < left
    assert left != right


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
        ("1.2", True, False),
        ("1.3", True, False),
        ("1.19", True, False),
        ("1.2.3", True, False),
        ("1.2rc3", True, True),
        ("1.24alpha1", True, True),
        ("1", True, False),
        ("2.5", True, False),
        ("2.21", False, False),
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


@given(texts, texts)
def test_agrees_with_packaging(one: str, other: str) -> None:
    left, right = as_packaging(GoVersion.parse(one)), as_packaging(GoVersion.parse(other))
    assert compare(one, other) == (left > right) - (left < right)


def test_agrees_with_packaging_around_the_change_of_rule() -> None:
    for one, other in itertools.product(AROUND, repeat=2):
        left, right = as_packaging(GoVersion.parse(one)), as_packaging(GoVersion.parse(other))
        assert compare(one, other) == (left > right) - (left < right), (one, other)


ENDS = ("", ".0", ".1", ".9", ".10", "alpha1", "beta1", "beta2", "rc1", "rc2", "rc10")
AROUND = [f"1.{minor}{end}" for minor in (0, 2, 9, 19, 20, 21, 22, 99, 9999) for end in ENDS]
ODD = [
    *("1", "2", "0", "0.20", "0.21", "2.0", "2.0.0", "2.20", "2.21", "2.21.0", "10.2rc3", "1.9.2rc2"),
    *("1.22rc", "1.21beta", "1.999testmod", "1.22pre1", "1.22c1", "1.a1", "1.10000", "1.22.12345"),
    *("1.22RC1", "1.22rc00", "1.22rc01", "01.2", "1.02", "1.2.03", "1.", ".1", "", "go1.2", "v1.2", "x"),
    *("1.22.3.4", "1.22+x", "1,22", " 1.22", "1.22 ", "1..2", "1.\u0662", "1.22.x", "1.2_2", "1.22rc1.1"),
    *("+1.2", "1.+2", "1.22.rc1"),
]
# What is a version to Go and none here: other kinds, kinds without a number, numbers of more than four
# digits. No release is called so.
LEFT_OUT = re.compile(r"[0-9.]+(?!(alpha|beta|rc)[0-9])[a-z]+[0-9]*|.*[0-9]{5}.*")

# For each line of input: whether it is valid, its language version, and how it compares to every line.
ORACLE = r"""
package main

import (
    "bufio"
    "go/version"
    "os"
)

func main() {
    var names []string
    for in := bufio.NewScanner(os.Stdin); in.Scan(); {
        names = append(names, in.Text())
    }
    out := bufio.NewWriter(os.Stdout)
    defer out.Flush()
    for _, x := range names {
        valid := "invalid"
        if version.IsValid(x) {
            valid = "valid"
        }
        out.WriteString(valid + "\t" + version.Lang(x) + "\t")
        for _, y := range names {
            out.WriteByte("<=>"[version.Compare(x, y)+1])
        }
        out.WriteByte('\n')
    }
}
"""


def test_go_itself_says_the_same(real_toolchains: dict[str, Toolchain], fast_path: Path) -> None:
    go = put_goroot(real_toolchains["1.25.5"], fast_path / "goroot", BUILDS)
    (fast_path / "oracle.go").write_text(ORACLE)
    names = [f"go{text}" for text in AROUND + ODD]
    env = {
        "PATH": os.defpath,
        "HOME": str(fast_path),
        "GOCACHE": str(CACHE / "build"),
        "GOTOOLCHAIN": "local",
    }
    answer = subprocess.run(
        [go, "run", "-trimpath", "oracle.go"],
        input="\n".join(names),
        env=env,
        cwd=fast_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert answer.returncode == 0, answer.stderr
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    assert len(rows) == len(names)
    ours: dict[int, GoVersion] = {}
    for index, (name, (valid, _, _)) in enumerate(zip(names, rows, strict=True)):
        try:
            ours[index] = GoVersion.parse(name)
        except ValueError:
            assert valid == "invalid" or LEFT_OUT.fullmatch(name.removeprefix("go")), name
            continue
        assert valid == "valid", name
    assert len(ours) > len(AROUND)
    for index, version in ours.items():
        _, language, compared = rows[index]
        assert GoVersion.parse(language).minor == version.minor
        for other_index, other in ours.items():
            sign = "<=>"[(other < version) - (version < other) + 1]
            assert sign == compared[other_index], (version, other)


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
