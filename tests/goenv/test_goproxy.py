"""The rules of proxyList in cmd/go/internal/modfetch/proxy.go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.errors import UsageError
from gvmpy.goenv.goproxy import parse_goproxy


def parsed(text: str) -> list[tuple[str, bool]]:
    return [(entry.base, entry.any_failure) for entry in parse_goproxy(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", [("https://a.example", False)]),
        ("https://a.example/", [("https://a.example", False)]),
        ("https://a.example/x//", [("https://a.example/x", False)]),
        ("https://a.example,direct", [("https://a.example", False), ("direct", False)]),
        ("https://a.example|direct", [("https://a.example", True), ("direct", False)]),
        (
            "https://a.example|https://b.example,https://c.example",
            [("https://a.example", True), ("https://b.example", False), ("https://c.example", False)],
        ),
        ("direct", [("direct", False)]),
        ("off", [("off", False)]),
        ("off,https://a.example", [("off", False)]),
        ("direct|https://a.example", [("direct", False)]),
        ("https://a.example,off,direct", [("https://a.example", False), ("off", False)]),
        (" https://a.example , direct ", [("https://a.example", False), ("direct", False)]),
        (",,https://a.example,,", [("https://a.example", False)]),
        ("https://a.example,|direct", [("https://a.example", False), ("direct", False)]),
        ("https://a.example|,direct", [("https://a.example", True), ("direct", False)]),
        ("a.example", [("https://a.example", False)]),
        ("a.example/mod", [("https://a.example/mod", False)]),
        ("localhost:8080", [("https://localhost:8080", False)]),
        ("http://127.0.0.1:8080/p", [("http://127.0.0.1:8080/p", False)]),
        ("file:///srv/mod", [("file:///srv/mod", False)]),
        ("https://u:p@a.example/x", [("https://u:p@a.example/x", False)]),
        ("HTTPS://a.example", [("HTTPS://a.example", False)]),
    ],
)
def test_list(text: str, expected: list[tuple[str, bool]]) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize("text", ["", " ", ",", "|,|", " , "])
def test_set_but_empty(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_goproxy(text)
    assert caught.value.message == "GOPROXY is set but names no proxy"
    assert caught.value.hint == "go env -u GOPROXY"


@pytest.mark.parametrize("text", ["Direct", "on", "none", "proxy", "/srv/mod", "https://a.example,none"])
def test_single_words_are_reserved(text: str) -> None:
    with pytest.raises(UsageError, match="neither a URL, `direct` nor `off`"):
        parse_goproxy(text)


@pytest.mark.parametrize(
    "text", ["ftp://a.example", "ssh://a.example", "javascript:/x", "git+https://a.example"]
)
def test_other_schemes(text: str) -> None:
    with pytest.raises(UsageError, match="unusable scheme"):
        parse_goproxy(text)


def test_what_is_never_reached_may_be_wrong() -> None:
    assert parsed("off,ftp://a.example") == [("off", False)]


@given(st.text(max_size=40) | st.text(alphabet="aA:/.,| direct0ff@\n", max_size=40))
def test_junk(text: str) -> None:
    """Whatever comes: a list of usable entries, or one refusal."""
    try:
        entries = parse_goproxy(text)
    except UsageError:
        return
    assert entries
    for entry in entries:
        scheme = entry.base.partition(":")[0].lower()
        assert entry.base in {"direct", "off"} or scheme in {"https", "http", "file"}
        assert not entry.base.endswith("/")
    assert not any(entry.base in {"direct", "off"} for entry in entries[:-1])


@pytest.mark.parametrize(
    "element",
    [
        "https://user:pa/SECRET@host",
        "https://user:1/SECRET@host",
        "https:/user:SECRET@host/",
        "https://user:SECRET#x@host",
        "https://user:SECRET?x@host",
    ],
)
def test_a_password_that_ends_the_host_is_refused_unseen(element: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_goproxy(element)
    assert "SECRET" not in str(caught.value)
    assert caught.value.hint is not None
