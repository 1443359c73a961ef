"""GOPRIVATE's and its like's lists of patterns (module.MatchPrefixPatterns of golang.org/x/mod)."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\*|\?|\[\^?(?:\\.|[^\]\\])+\]|\\.|[^*?\[\\]", re.DOTALL)


def matches_prefix(patterns: str, path: str) -> bool:
    """Whether one of the comma-separated `patterns` matches as many leading elements of `path` as it has.

    A pattern is one of Go's path.Match; a malformed one matches nothing.
    """
    for pattern in (piece.removesuffix("/") for piece in patterns.split(",")):
        elements = path.split("/")[: pattern.count("/") + 1]
        if pattern and len(elements) == pattern.count("/") + 1:
            compiled = _compile(pattern)
            if compiled is not None and compiled.fullmatch("/".join(elements)):
                return True
    return False


def _compile(pattern: str) -> re.Pattern[str] | None:
    """Return path.Match's `pattern` as a regular expression: `*` and `?` stop at a slash."""
    tokens = _TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        return None
    parts = {"*": "[^/]*", "?": "[^/]"}
    try:
        return re.compile("".join(parts.get(token) or _translate(token) for token in tokens), re.DOTALL)
    except re.error:
        return None


def _translate(token: str) -> str:
    if not token.startswith("["):
        return re.escape(token.removeprefix("\\") if len(token) > 1 else token)
    negated = token.startswith("[^")
    body = re.findall(r"\\.|.", token[2 if negated else 1 : -1], re.DOTALL)
    # A bare hyphen makes a range, all else stands for itself.
    inner = "".join("-" if piece == "-" else re.escape(piece[-1]) for piece in body)
    return f"[{'^' if negated else ''}{inner}]"
