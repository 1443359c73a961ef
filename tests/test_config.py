from __future__ import annotations

from pathlib import Path

import pytest

from gvmpy.config import Config, load
from gvmpy.errors import UsageError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load_text(config: Path, text: str, **environ: str) -> Config:
    config.write_text(text, encoding="utf-8")
    return load({"GVMPY_CONFIG": str(config), **environ})


def test_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    found = load({})
    assert found == Config(cache=found.cache)
    assert tmp_path in found.cache.parents
    assert (found.sources, found.offline, found.lock_timeout) == (
        ("official", "goproxy", "wheel"),
        False,
        300.0,
    )
    assert list(tmp_path.iterdir()) == []


def test_every_key_of_the_file(config: Path) -> None:
    found = load_text(
        config,
        """
        [sources]
        order = ["goproxy"]
        [official]
        index = "https://a.example/"
        mirrors = ["https://b.example/", "https://c.example/"]
        [goproxy]
        url = "https://d.example"
        sumdb = "off.example"
        [trust]
        minimum = "pinned"
        [switch]
        missing = "install"
        """,
    )
    assert found.sources == ("goproxy",)
    assert found.official_index == "https://a.example/"
    assert found.mirrors == ("https://b.example/", "https://c.example/")
    assert (found.goproxy, found.sumdb, found.trust_minimum) == ("https://d.example", "off.example", "pinned")
    assert found.missing == "install"


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("GVMPY_SOURCES", "x, y ,,z", "sources", ("x", "y", "z")),
        ("GVMPY_OFFICIAL_INDEX", "https://env/", "official_index", "https://env/"),
        ("GVMPY_MIRRORS", "https://m1/,https://m2/", "mirrors", ("https://m1/", "https://m2/")),
        ("GVMPY_GOPROXY", "off", "goproxy", "off"),
        ("GVMPY_GOSUMDB", "sum.example", "sumdb", "sum.example"),
        ("GVMPY_TRUST_MINIMUM", "signature", "trust_minimum", "signature"),
        ("GVMPY_MISSING", "install", "missing", "install"),
        ("GVMPY_OFFLINE", "1", "offline", True),
        ("GVMPY_OFFLINE", "0", "offline", False),
        ("GVMPY_LOCK_TIMEOUT", "0", "lock_timeout", 0.0),
        ("GVMPY_LOCK_TIMEOUT", "1.5", "lock_timeout", 1.5),
        ("GVMPY_CACHE", "/some/where", "cache", Path("/some/where")),
    ],
)
def test_the_environment_wins(config: Path, variable: str, value: str, field: str, expected: object) -> None:
    text = """
        sources.order = ["file"]
        official = {index = "https://file/", mirrors = ["https://file/"]}
        goproxy = {url = "https://file", sumdb = "file"}
        trust.minimum = "third-party"
    """
    before = load_text(config, text)
    found = load_text(config, text, **{variable: value})
    assert getattr(found, field) == expected
    unset = load_text(config, text, **{variable: ""})
    assert getattr(unset, field) == getattr(before, field)


@pytest.mark.parametrize(
    ("text", "line", "name", "hint"),
    [
        ("[sources]\norder = []\nodrer = []\n", 3, "sources.odrer", "did you mean `sources.order`?"),
        ("\n\n[trust]\n# a word\nminimun = 'pinned'\n", 5, "trust.minimun", "did you mean `trust.minimum`?"),
        ("official.indx = ''\n", 1, "official.indx", "did you mean `official.index`?"),
        ("[goproxy]\n'urls' = ''\n", 2, "goproxy.urls", "did you mean `goproxy.url`?"),
        ("wholly = 1\n", 1, "wholly", "known keys: "),
    ],
)
def test_unknown_keys_are_named_with_their_place(
    config: Path, text: str, line: int, name: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(config, text)
    assert caught.value.message == f"unknown key `{name}` in `{config}` line {line}"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "line", "name", "wanted"),
    [
        ("[sources]\norder = 'official'\n", 2, "sources.order", "a list of strings"),
        ("[sources]\norder = ['official', 1]\n", 2, "sources.order", "a list of strings"),
        ("[goproxy]\nsumdb = ''\nurl = ['x']\n", 3, "goproxy.url", "a string"),
        ("[goproxy]\nurl = 7\n", 2, "goproxy.url", "a string"),
        ("[trust]\nminimum = true\n", 2, "trust.minimum", "a string"),
        ("[switch]\nhook_timeout = true\n", 2, "switch.hook_timeout", "a number"),
        ("[switch]\nhook_timeout = '9'\n", 2, "switch.hook_timeout", "a number"),
        ("[switch.hooks]\nuser = false\n", 2, "switch.hooks.user", "a string"),
    ],
)
def test_wrong_types(config: Path, text: str, line: int, name: str, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(config, text)
    assert caught.value.message == f"`{name}` in `{config}` line {line} must be {wanted}"


@pytest.mark.parametrize("text", ["[", "a = ", "a = 1\na = 2\n", "[trust\n", "\x01"])
def test_bad_toml(config: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(config, text)
    assert caught.value.message.startswith(f"`{config}` is not valid TOML: ")


def test_not_utf_8(config: Path) -> None:
    config.write_bytes(b"[trust]\nminimum = '\xff'\n")
    with pytest.raises(UsageError, match="cannot read"):
        load({"GVMPY_CONFIG": str(config)})


def test_a_named_file_must_be_there(config: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load({"GVMPY_CONFIG": str(config)})
    with pytest.raises(UsageError, match="cannot read"):
        load({"GVMPY_CONFIG": str(config.parent)})


def test_a_named_but_empty_variable_counts_as_unset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert load({"GVMPY_CONFIG": ""}).sources == Config().sources


@pytest.mark.parametrize("level", ["none", "Signature", ""])
def test_trust_levels_are_known_ones(config: Path, level: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(config, f"[trust]\nminimum = '{level}'\n")
    assert "unknown trust level" in caught.value.message
    assert caught.value.hint == (
        "choose one of third-party, pinned, origin-sha256, transparency-log, signature"
    )


@pytest.mark.parametrize("word", ["ask", "Install", ""])
def test_what_to_do_about_a_missing_version_is_a_known_word(config: Path, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_text(config, f"[switch]\nmissing = '{word}'\n")
    assert caught.value.message == f"unknown action {word!r} in `switch.missing`"
    assert caught.value.hint == "choose one of error, install"


@pytest.mark.parametrize(
    "text",
    [
        "switch.hooks.settings = 'block'\nswitch.hook_timeout = 2.5",
        "[switch]\nhooks.settings = 'block'\nhook_timeout = 2.5",
        "[switch]\nhook_timeout = 2.5\n[switch.hooks]\nsettings = 'block'",
        "[switch]\nhooks = {settings = 'block'}\nhook_timeout = 2.5",
    ],
)
def test_a_key_of_three_parts(config: Path, text: str) -> None:
    loaded = load_text(config, text)
    assert (loaded.hook_policy("settings"), loaded.hook_policy("user")) == ("block", "warn")
    assert loaded.hook_timeout == 2.5
    environ = {"GVMPY_CONFIG": str(config), "GVMPY_HOOK_SETTINGS": "off", "GVMPY_HOOK_TIMEOUT": "7"}
    overridden = load(environ)
    assert (overridden.hook_policy("settings"), overridden.hook_timeout) == ("off", 7)


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "ten", ""])
def test_a_hook_has_some_time(config: Path, text: str) -> None:
    config.write_text("")
    environ = {"GVMPY_CONFIG": str(config), "GVMPY_HOOK_TIMEOUT": text}
    if not text:
        assert load(environ).hook_timeout == 60
        return
    with pytest.raises(UsageError, match=r"^`switch\.hook_timeout` must be a number of seconds"):
        load(environ)


@pytest.mark.parametrize("text", ["-1", "inf", "nan", "ten", "1s", "1e999"])
def test_seconds_are_a_sensible_number(text: str) -> None:
    with pytest.raises(UsageError, match="must be a number of seconds"):
        load({"GVMPY_LOCK_TIMEOUT": text})


def test_tables_without_keys(config: Path) -> None:
    assert load_text(config, "[sources]\n").sources == ("official", "goproxy", "wheel")
    with pytest.raises(UsageError, match="unknown key `nonsense`"):
        load_text(config, "[nonsense]\n")
