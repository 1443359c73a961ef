from __future__ import annotations

from pathlib import Path

import pytest

from gvmpy.errors import NetworkError, UsageError
from gvmpy.goenv.goproxy import parse_goproxy
from gvmpy.net import Network
from gvmpy.trust.note import Verifier
from gvmpy.trust.relay import choose_base, fetcher, open_database
from gvmpy.trust.sumdb import Database, MissingError, lookup_path, parse_gosumdb
from tests.trust.fakedb import FakeDatabase

MODULE = "golang.org/toolchain"
VERSION = "v0.0.1-go1.22.3.linux-amd64"
RECORDED = Path(__file__).parent / "recorded"
PRODUCTION = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


class TestSettings:
    @pytest.mark.parametrize("text", ["", "  ", "sum.golang.org", " sum.golang.org ", PRODUCTION])
    def test_default(self, text: str) -> None:
        settings = parse_gosumdb(text)
        assert (settings.verifier, settings.url) == (Verifier.parse(PRODUCTION), None)

    def test_off_is_the_default_for_toolchains_and_says_so(self) -> None:
        assert parse_gosumdb("off") == parse_gosumdb("")

    def test_chinese_alias_has_the_same_key_and_its_own_address(self) -> None:
        settings = parse_gosumdb("sum.golang.google.cn")
        assert settings.verifier == Verifier.parse(PRODUCTION)
        assert settings.url == "https://sum.golang.google.cn"

    def test_key_and_url(self) -> None:
        vkey = FakeDatabase().vkey
        assert parse_gosumdb(vkey).verifier.name == "sums.example.com"
        for url in ("https://x.example/sums", "http://127.0.0.1:8000", "file:///srv/sums"):
            assert parse_gosumdb(f"{vkey}  {url}/").url == url
        assert parse_gosumdb("sum.golang.org https://x.example").url == "https://x.example"

    def test_a_name_may_have_a_port_and_a_path(self) -> None:
        for name in ("sums.example.com/go/db", "localhost:8080"):
            assert parse_gosumdb(FakeDatabase(name).vkey).verifier.name == name

    @pytest.mark.parametrize(
        "text",
        [
            "on",
            "other.example",
            PRODUCTION[:-1],
            "sum.golang.org https://x.example more",
            "sum.golang.google.cn https://x.example",
            "sum.golang.org x.example",
            "sum.golang.org http://x.example",
            "sum.golang.org ftp://x.example",
            "sum.golang.org https://",
            "sum.golang.org https://[x",
            "sum.golang.org https://x.example/?a=b",
            "sum.golang.org https://x.example/#a",
        ],
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="GOSUMDB cannot be used"):
            parse_gosumdb(text)

    @pytest.mark.parametrize(
        "name", ["../up", "a/../b", "a//b", "/root", "a/", "a?b", ".hidden", "a/.b", "u@h"]
    )
    def test_names_that_would_lead_astray(self, name: str) -> None:
        with pytest.raises(UsageError, match="HOST or HOST/PATH"):
            parse_gosumdb(FakeDatabase(name).vkey)


class TestLookupPath:
    def test_capitals_are_escaped(self) -> None:
        assert (
            lookup_path("github.com/Azure/SDK", "v1.0.0-RC1")
            == "/lookup/github.com/!azure/!s!d!k@v1.0.0-!r!c1"
        )

    @pytest.mark.parametrize(
        "module", ["", "/a", "a/", "a//b", "a/../b", ".a", "a b", "a!b", "\u00e4", "a@b", "a\n"]
    )
    def test_no_module(self, module: str) -> None:
        with pytest.raises(UsageError):
            lookup_path(module, VERSION)

    @pytest.mark.parametrize("version", ["", "1.0", "v", "v1/../..", "v1 2", "v1!a", "v1\n", "v1@2"])
    def test_no_version(self, version: str) -> None:
        with pytest.raises(UsageError):
            lookup_path(MODULE, version)


class TestRelay:
    def base(self, goproxy: str, answers: dict[str, int], gosumdb: str = "") -> str:
        def get(url: str, limit: int) -> tuple[int, bytes]:
            if url not in answers:
                raise NetworkError(f"no answer from {url}")
            return answers[url], b""

        return choose_base(parse_goproxy(goproxy), parse_gosumdb(gosumdb), get)

    A = "https://a.example/sumdb/sum.golang.org"
    B = "https://b.example/go/sumdb/sum.golang.org"
    BOTH = "https://a.example,https://b.example/go/"

    def test_first_that_relays(self) -> None:
        assert self.base(self.BOTH, {f"{self.A}/supported": 200}) == self.A

    @pytest.mark.parametrize("status", [404, 410])
    def test_not_found_hands_on(self, status: int) -> None:
        assert self.base(self.BOTH, {f"{self.A}/supported": status, f"{self.B}/supported": 200}) == self.B

    @pytest.mark.parametrize("status", [204, 301, 401, 403, 429, 500, 503])
    def test_anything_else_ends_it(self, status: int) -> None:
        with pytest.raises(NetworkError, match=f"answered {status}"):
            self.base(self.BOTH, {f"{self.A}/supported": status, f"{self.B}/supported": 200})

    def test_no_answer_ends_it(self) -> None:
        with pytest.raises(NetworkError, match="no answer from"):
            self.base(self.BOTH, {f"{self.B}/supported": 200})

    def test_a_bar_hands_on_whatever_happens(self) -> None:
        goproxy = self.BOTH.replace(",", "|")
        for answers in ({}, {f"{self.A}/supported": 503}):
            assert self.base(goproxy, {**answers, f"{self.B}/supported": 200}) == self.B

    @pytest.mark.parametrize("tail", ["direct", "off"])
    def test_direct_off_and_the_end_mean_the_database_itself(self, tail: str) -> None:
        assert self.base(tail, {}) == "https://sum.golang.org"
        assert (
            self.base(f"https://a.example,{tail}", {f"{self.A}/supported": 404}) == "https://sum.golang.org"
        )
        assert self.base("https://a.example", {f"{self.A}/supported": 404}) == "https://sum.golang.org"

    def test_an_explicit_url_asks_no_proxy(self) -> None:
        assert self.base(self.BOTH, {}, "sum.golang.google.cn") == "https://sum.golang.google.cn"

    def test_credentials_are_not_shown(self) -> None:
        base = "https://me:hunter2@a.example"
        with pytest.raises(NetworkError) as caught:
            self.base(base, {f"{base}/sumdb/sum.golang.org/supported": 500})
        assert "hunter2" not in caught.value.message
        assert "a.example/sumdb" in caught.value.message

    def test_files_without_a_relay_hand_on(self, tmp_path: Path) -> None:
        supported = f"{tmp_path.as_uri()}/sumdb/sum.golang.org/supported"
        assert self.base(tmp_path.as_uri(), {supported: offline(supported, 1)[0]}) == "https://sum.golang.org"

    @pytest.mark.parametrize(
        ("status", "error"),
        [(404, MissingError), (410, MissingError), (403, MissingError), (500, NetworkError)],
    )
    def test_fetching_tells_missing_from_failing(self, status: int, error: type[NetworkError]) -> None:
        fetch = fetcher("https://me:hunter2@a.example", lambda _url, _limit: (status, b""))
        with pytest.raises(NetworkError, match=f"https://a.example/latest answered {status}") as caught:
            fetch("/latest", 10)
        assert type(caught.value) is error

    def test_fetching_keeps_to_the_limit(self) -> None:
        fetch = fetcher("https://a.example", lambda _url, _limit: (200, b"12345"))
        assert fetch("/latest", 5) == b"12345"
        with pytest.raises(NetworkError, match="more than 4 bytes"):
            fetch("/latest", 4)


def offline(url: str, limit: int) -> tuple[int, bytes]:
    """Read files, and refuse whatever would need the network."""
    answer = Network({}, offline=True).get(url, limit=limit)
    return answer.status, answer.body


class TestProduction:
    """Real heads, records and tiles of the public database, recorded; checked with its real key."""

    def test_recorded_relay_proves_go_1_22_3(self, tmp_path: Path) -> None:
        settings = parse_gosumdb("off")
        base = choose_base(parse_goproxy(RECORDED.as_uri()), settings, offline)
        database = Database(
            settings.verifier,
            fetcher(base, offline),
            cache_dir=tmp_path / "cache",
            state_dir=tmp_path / "state",
        )
        evidence = database.prove(MODULE, VERSION)
        assert evidence.h1 == "h1:LqXmlW4rn/rqR5z8Sz3hri+dYqwQ73YKgkSjm31jRFM="
        assert evidence.go_mod_h1 == "h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0="
        assert (evidence.record, evidence.tree_size) == (25587261, 51678125)
        assert evidence.root == "kqVNUyzmytqZYHtHO5K/P5cfamYRGw4sqmXSbbFS2RE="
        served = RECORDED / "sumdb/sum.golang.org"
        kept = tmp_path / "cache/sumdb/sum.golang.org"
        names = {file.relative_to(served) for file in served.rglob("*") if file.is_file()}
        assert {file.relative_to(kept) for file in kept.rglob("*") if file.is_file()} == names - {
            Path("supported")
        }

    def test_the_cache_can_be_served_as_the_database(self, tmp_path: Path) -> None:
        settings = parse_gosumdb(f"sum.golang.org {(RECORDED / 'sumdb/sum.golang.org').as_uri()}")
        proven = None
        for turn in ("first", "second"):
            base = choose_base((), settings, offline)
            cache = tmp_path / turn
            database = Database(
                settings.verifier,
                fetcher(base, offline),
                cache_dir=cache,
                state_dir=tmp_path / f"state-{turn}",
            )
            evidence = database.prove(MODULE, VERSION)
            assert proven in (None, evidence)
            proven = evidence
            settings = parse_gosumdb(f"sum.golang.org {(cache / 'sumdb/sum.golang.org').as_uri()}")

    def test_an_old_record_under_a_head_of_its_time(self, tmp_path: Path) -> None:
        """Go 1.21.9 as the database answered in 2024; of its edge tiles only the full ones are left there."""
        settings = parse_gosumdb(f"sum.golang.org {(RECORDED / 'go1.21.9/sumdb/sum.golang.org').as_uri()}")
        database = open_database(settings, (), offline, cache_dir=None, state_dir=tmp_path)
        evidence = database.prove(MODULE, "v0.0.1-go1.21.9.linux-amd64")
        assert (evidence.record, evidence.tree_size) == (24929362, 28905453)
        assert evidence.h1 == "h1:rRL9rPpsjKfpdDFcppvNgw1/dynUMrpDcTxdIwtyFR0="
        assert "28905453" in (tmp_path / "sumdb/sum.golang.org/latest").read_text()


class TestOpenDatabase:
    """The relay is looked for when something has to be asked, and once."""

    def test_asked_once(self, tmp_path: Path) -> None:
        asked: list[str] = []
        database = self.opened(tmp_path, asked)
        assert database.prove(MODULE, VERSION).record == 300
        assert len([url for url in asked if url.endswith("/supported")]) == 1
        assert len(asked) > 3

    def test_not_at_all_when_the_cache_has_the_proof(self, tmp_path: Path) -> None:
        self.opened(tmp_path, []).prove(MODULE, VERSION)
        asked: list[str] = []
        self.opened(tmp_path, asked).prove(MODULE, VERSION)
        assert asked == []

    def test_without_keeping_the_head_only_the_cache_is_written(self, tmp_path: Path) -> None:
        self.opened(tmp_path, []).prove(MODULE, VERSION, keep_head=False)
        assert [path.name for path in tmp_path.iterdir()] == ["cache"]

    def opened(self, home: Path, asked: list[str]) -> Database:
        fake = FakeDatabase()
        fake.fill(300)
        fake.add(MODULE, VERSION)
        fake.fill(400)
        base = f"https://a.example/sumdb/{fake.name}"

        def get(url: str, limit: int) -> tuple[int, bytes]:
            asked.append(url)
            body = fake.answer(url.removeprefix(base))
            return (404, b"") if body is None else (200, body)

        proxies, settings = parse_goproxy("https://a.example"), parse_gosumdb(fake.vkey)
        return open_database(settings, proxies, get, cache_dir=home / "cache", state_dir=home / "state")
