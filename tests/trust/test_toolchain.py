"""Which files of a tree the hash on record covers; the real trees are looked at in cli/."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.trust.dirhash import h1
from gvmpy.trust.manifest import FileRecord, Manifest
from gvmpy.trust.toolchain import Share, cover, find_list, module_h1
from gvmpy.version import GoVersion

VERSION = GoVersion.parse("1.22.10")
MODULE = "golang.org/toolchain@v0.0.1-go1.22.10.linux-amd64"
LICENSE = "2d36597f7117c38b006835ae7f537487207d8ec407aa9d9980794b2030cbc067"
README = "161c938b911ece3f72405b3778915ecb52c91c25632ab3a9e56d501fa6db1a29"
CONTRIBUTING = "1244fcb5fbb7f0629bc134e99a90c18e63097a66d034acee0f18eabdd4fb32d9"
SECURITY = "6bceabb262ed2ca799127f6732dc300f0cb060aaec4459ec156bddfe572754d3"
PATENTS = "96f408bfae65bf137fc2525d3ecb030271c50c1e90799f87abf8846d8dd505cc"
CODEREVIEW = hashlib.sha256(b"branch: release-branch.go1.22\nparent-branch: master\n").hexdigest()
TEXTS = {
    "CONTRIBUTING.md": CONTRIBUTING,
    "LICENSE": LICENSE,
    "PATENTS": PATENTS,
    "README.md": README,
    "SECURITY.md": SECURITY,
    "codereview.cfg": CODEREVIEW,
}
OTHERS = ("VERSION", "go.env", "bin/go", "src/go.mod", "src/fmt/print.go", "src/cmd/go.mod", "lib/time/x.zip")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


FILES = TEXTS | {name: digest(name) for name in OTHERS}
LEFT_OUT = {name: digest(name) for name in ("api/go1.txt", "doc/x.html", "misc/a/b.js", "test/go.mod")}


def tree(files: dict[str, str], **kinds: str) -> Manifest:
    others = tuple(sorted(kinds.items()))
    return Manifest.of((FileRecord(name, sha, 0o644) for name, sha in files.items()), others=others)


ON_RECORD = h1((f"{MODULE}/{name.replace('go.mod', '_go.mod')}", sha) for name, sha in FILES.items())
LISTED = tree(FILES)


def found(files: dict[str, str]) -> bool:
    return find_list(tree(files), MODULE, ON_RECORD, VERSION) is not None


class TestFindList:
    def test_the_hash_is_that_of_the_zip(self) -> None:
        assert module_h1(LISTED, MODULE) == ON_RECORD

    def test_a_tree_from_the_module(self) -> None:
        assert find_list(LISTED, MODULE, ON_RECORD, VERSION) == LISTED

    def test_a_tree_from_the_archive(self) -> None:
        assert find_list(tree(FILES | LEFT_OUT), MODULE, ON_RECORD, VERSION) == LISTED

    def test_a_file_at_the_top_that_no_release_has(self) -> None:
        assert found(FILES | {"__init__.py": digest("x")})

    @pytest.mark.parametrize("count", range(1, len(TEXTS) + 1))
    def test_texts_left_out_by_a_packer(self, count: int) -> None:
        for absent in itertools.combinations(TEXTS, count):
            files = {name: sha for name, sha in FILES.items() if name not in absent}
            assert find_list(tree(files), MODULE, ON_RECORD, VERSION) == LISTED

    @pytest.mark.parametrize("name", FILES)
    def test_any_changed_file_spoils_it(self, name: str) -> None:
        assert not found(FILES | {name: digest("evil")})

    @pytest.mark.parametrize("name", OTHERS)
    def test_any_other_file_missing_spoils_it(self, name: str) -> None:
        assert not found({other: sha for other, sha in FILES.items() if other != name})

    @pytest.mark.parametrize("name", ["src/fmt/evil.go", "new/x", "bin/go2", "pkg/x.a"])
    def test_any_added_file_spoils_it(self, name: str) -> None:
        assert not found(FILES | {name: digest("evil")})

    def test_a_go_mod_under_its_name_in_the_zip(self) -> None:
        """The same hash, and another tree: cmd/go would not find the file."""
        files = {name.replace("src/go.mod", "src/_go.mod"): sha for name, sha in FILES.items()}
        assert not found(files)

    def test_an_empty_tree(self) -> None:
        assert not found({})

    def test_names_that_no_file_of_go_has(self) -> None:
        assert found(FILES | {"src/x\ny": digest("x"), "src/\udcff": digest("y")})
        coverage = cover(tree(FILES | {"src/x\ny": digest("x")}), LISTED, {})
        assert (coverage.added, coverage.agrees) == (("src/x\ny",), False)

    def test_another_version_has_another_review_branch(self) -> None:
        files = {name: sha for name, sha in FILES.items() if name != "codereview.cfg"}
        assert find_list(tree(files), MODULE, ON_RECORD, GoVersion.parse("1.23.0")) is None


class TestCover:
    SIZES = dict.fromkeys(FILES | LEFT_OUT, 10)

    def test_all(self) -> None:
        coverage = cover(LISTED, LISTED, dict.fromkeys(FILES, 10))
        assert coverage.agrees
        assert (coverage.files, coverage.covered_files) == (len(FILES), len(FILES))
        assert (coverage.bytes, coverage.covered_bytes) == (10 * len(FILES), 10 * len(FILES))
        assert not coverage.uncovered
        assert not coverage.absent

    def test_shares_by_directory(self) -> None:
        files = FILES | LEFT_OUT | {"notes.txt": digest("x"), "test/b": digest("b")}
        coverage = cover(tree(files), LISTED, self.SIZES | {"notes.txt": 3, "test/b": 4})
        assert coverage.agrees
        assert coverage.uncovered == (
            *(Share(".", 1, 3), Share("api", 1, 10), Share("doc", 1, 10), Share("misc", 1, 10)),
            Share("test", 2, 14),
        )
        assert (coverage.files, coverage.covered_files) == (len(files), len(FILES))
        assert coverage.bytes - coverage.covered_bytes == 47

    def test_differing_missing_added(self) -> None:
        files = FILES | {"bin/go": digest("evil"), "src/evil.go": digest("evil")}
        del files["src/go.mod"], files["VERSION"], files["LICENSE"]
        coverage = cover(tree(files), LISTED, {})
        assert not coverage.agrees
        assert coverage.differing == ("bin/go",)
        assert coverage.missing == ("VERSION", "src/go.mod")
        assert coverage.added == ("src/evil.go",)
        assert coverage.absent == ("LICENSE",)
        assert coverage.covered_files == len(FILES) - 4

    @pytest.mark.parametrize("files", [{"LICENSE": digest("evil")}, {"go.env": digest("evil")}])
    def test_a_changed_text_is_no_absent_one(self, files: dict[str, str]) -> None:
        assert not cover(tree(FILES | files), LISTED, {}).agrees

    def test_a_link_in_a_files_place(self) -> None:
        files = {name: sha for name, sha in FILES.items() if name != "bin/go"}
        coverage = cover(tree(files, **{"bin/go": "symbolic link"}), LISTED, {})
        assert coverage.differing == ("bin/go",)

    @pytest.mark.parametrize(("name", "agrees"), [("src/x", False), ("test/x", True), ("x", True)])
    def test_a_link_besides(self, name: str, agrees: bool) -> None:
        assert cover(tree(FILES, **{name: "symbolic link"}), LISTED, {}).agrees is agrees


@given(st.dictionaries(st.sampled_from(sorted(FILES | LEFT_OUT)), st.sampled_from([digest("evil"), ""])))
def test_what_is_found_is_what_compares(changes: dict[str, str]) -> None:
    """A list found in the tree itself never says more than the list of the zip."""
    files = {name: changes.get(name, sha) for name, sha in (FILES | LEFT_OUT).items()}
    changed = tree({name: sha for name, sha in files.items() if sha})
    listed = find_list(changed, MODULE, ON_RECORD, VERSION)
    assert listed in (None, LISTED)
    assert cover(changed, LISTED, {}).agrees is (listed is not None)
