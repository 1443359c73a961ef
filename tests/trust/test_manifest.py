from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvmpy.errors import IntegrityError
from gvmpy.trust.dirhash import name_fault
from gvmpy.trust.manifest import Difference, FileRecord, Manifest, compare

A, B = "a" * 64, "b" * 64


def manifest(**digests: str) -> Manifest:
    return Manifest.of(FileRecord(name, digest, 0o644) for name, digest in digests.items())


def test_records_are_sorted_and_counted() -> None:
    made = Manifest.of([FileRecord("b", A, 0o644), FileRecord("a", B, 0o755)])
    assert [record.name for record in made.records] == ["a", "b"]
    assert made.count == 2
    assert made.dumps() == f"{B} 0755 a\n{A} 0644 b\n"


records = st.builds(
    FileRecord,
    st.text(min_size=1, max_size=20).filter(lambda name: name_fault(name) is None),
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 0o777),
)


@given(st.lists(records, min_size=1, max_size=8, unique_by=lambda record: record.name))
def test_text_form_is_read_back_exactly(made: list[FileRecord]) -> None:
    whole = Manifest.of(made)
    assert Manifest.loads(whole.dumps()) == whole


@given(st.text(max_size=100) | st.text(f"a0644 \n{A}", max_size=200))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        read = Manifest.loads(text)
    except IntegrityError:
        return
    assert read.dumps() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{A} 0644 a",
        f"{A} 0644 a\n\n",
        f"{A} 0644 a\n{A} 0644 a\n",
        f"{A} 0644 b\n{A} 0644 a\n",
        f"{A} 644 a\n",
        f"{A} 4755 a\n",
        f"{A}  0644 a\n",
        f"{A.upper()} 0644 a\n",
        f"{A[1:]} 0644 a\n",
        f"{A} 0644 /a\n",
        f"{A} 0644 ../a\n",
        f"{A} 0644 a\r\n",
        f"{A} 0644 \n",
        f"{A} 0٦44 a\n",
    ],
)
def test_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        Manifest.loads(text)


def test_equal_trees_do_not_differ() -> None:
    difference = compare(manifest(a=A), manifest(a=A))
    assert difference == Difference((), (), (), ())
    assert not difference


def test_every_kind_of_difference_is_named() -> None:
    difference = compare(manifest(a=A, b=A, c=A, e=A), manifest(a=A, b=B, d=A, e=A))
    assert difference == Difference(changed=("b",), missing=("c",), added=("d",), mode=())
    assert difference


def test_only_being_executable_counts_of_the_mode() -> None:
    expected = Manifest.of([FileRecord("go", A, 0o755), FileRecord("x", A, 0o644), FileRecord("y", A, 0o755)])
    actual = Manifest.of([FileRecord("go", A, 0o700), FileRecord("x", A, 0o600), FileRecord("y", A, 0o644)])
    assert compare(expected, actual) == Difference((), (), (), mode=("y",))


def test_what_is_no_file_is_a_change_or_an_addition() -> None:
    actual = Manifest((), others=(("a", "symbolic link"), ("z", "fifo")))
    assert compare(manifest(a=A, b=A), actual) == Difference(
        changed=("a",), missing=("b",), added=("z",), mode=()
    )
