from __future__ import annotations

import base64
import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gvmpy.errors import IntegrityError
from gvmpy.trust.note import MAX_NOTE_SIZE, Verifier, decode_base64, open_note
from gvmpy.trust.tlog import TreeHead
from tests.trust.fakedb import FakeDatabase

PRODUCTION = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
REAL_TEXT = "go.sum database tree\n28905453\nf3f8U0MoQmXkWAgAEKDtXcaI3c2y6N9+55KNSRefF/w=\n"
REAL_SIGNATURE = (
    "— sum.golang.org "
    "Az3grr4J9x4SApup87osjthKONInbYdbN37ZskrLF12HIbhDuxOBTzt8Z2jUKbCvxYWrw0yNgshddOzt7pZEl7aSCw8=\n"
)
REAL_NOTE = f"{REAL_TEXT}\n{REAL_SIGNATURE}".encode()
STRANGER = f"— stranger {base64.b64encode(b'hashsignature').decode()}\n"

DATABASE = FakeDatabase()
VERIFIER = Verifier.parse(DATABASE.vkey)
SIGNED = DATABASE.sign("one\ntwo\n")


def refusal(data: bytes, verifier: Verifier = VERIFIER) -> str:
    with pytest.raises(IntegrityError) as caught:
        open_note(data, verifier)
    return caught.value.message


class TestVerifier:
    def test_production_key(self) -> None:
        verifier = Verifier.parse(PRODUCTION)
        assert verifier.name == "sum.golang.org"
        assert verifier.key_hash.hex() == "033de0ae"
        assert len(verifier.public_key) == 32

    def test_upper_case_hash_is_the_same_key(self) -> None:
        assert Verifier.parse(PRODUCTION.replace("033de0ae", "033DE0AE")) == Verifier.parse(PRODUCTION)

    @pytest.mark.parametrize(
        "vkey",
        [
            "",
            "on",
            "sum.golang.org",
            "sum.golang.org+033de0ae",
            "sum.golang.org+033de0ae+",
            PRODUCTION[:-1],
            PRODUCTION + "=",
            PRODUCTION + "+more",
            PRODUCTION.replace("033de0ae", "33de0ae"),
            PRODUCTION.replace("033de0ae", "0x3de0ae"),
            PRODUCTION.replace("033de0ae", "033de0af"),
            PRODUCTION.replace("sum.", "sun."),
            PRODUCTION.replace("Ac4z", "Ac4y"),
            PRODUCTION.replace("+Ac4z", "+As4z"),
            PRODUCTION.replace("sum.golang.org", "sum golang.org"),
            PRODUCTION.replace("sum.golang.org", ""),
            PRODUCTION.replace("Ac4z", "\u0410c4z"),
        ],
    )
    def test_refused(self, vkey: str) -> None:
        with pytest.raises(ValueError, match="verifier key"):
            Verifier.parse(vkey)

    def test_another_algorithm_is_refused_even_with_its_right_hash(self) -> None:
        # Made with x/mod's rule for the hash: algorithm 2, 32 zero bytes.
        key = b"\x02" + bytes(32)
        import hashlib

        key_hash = hashlib.sha256(b"name\n" + key).digest()[:4].hex()
        with pytest.raises(ValueError, match="not an Ed25519 key"):
            Verifier.parse(f"name+{key_hash}+{base64.b64encode(key).decode()}")


class TestOpen:
    def test_real_head_of_production(self) -> None:
        text = open_note(REAL_NOTE, Verifier.parse(PRODUCTION))
        assert text == REAL_TEXT
        head = TreeHead.parse(text)
        assert (head.size, head.root_text) == (28905453, "f3f8U0MoQmXkWAgAEKDtXcaI3c2y6N9+55KNSRefF/w=")

    def test_every_flipped_bit_of_a_real_head_is_refused(self) -> None:
        verifier = Verifier.parse(PRODUCTION)
        for position in range(len(REAL_NOTE)):
            for bit in range(8):
                changed = bytearray(REAL_NOTE)
                changed[position] ^= 1 << bit
                with pytest.raises(IntegrityError):
                    open_note(bytes(changed), verifier)

    def test_every_truncation_is_refused(self) -> None:
        for length in range(len(SIGNED)):
            refusal(SIGNED[:length])

    def test_text_may_hold_blank_lines(self) -> None:
        assert open_note(DATABASE.sign("a\n\nb\n"), VERIFIER) == "a\n\nb\n"

    def test_other_signatures_are_left_aside(self) -> None:
        assert open_note(SIGNED + STRANGER.encode(), VERIFIER) == "one\ntwo\n"
        before = SIGNED.replace(b"\n\n", b"\n\n" + STRANGER.encode())
        assert open_note(before, VERIFIER) == "one\ntwo\n"

    def test_repeated_signature_counts_once(self) -> None:
        line = SIGNED.partition(b"\n\n")[2]
        assert open_note(SIGNED + line, VERIFIER) == "one\ntwo\n"

    def test_a_wrong_signature_beside_a_right_one_is_refused(self) -> None:
        wrong = DATABASE.sign("other\n").partition(b"\n\n")[2]
        assert "signature of sums.example.com is wrong" in refusal(SIGNED + wrong)

    def test_a_hundred_signatures_and_no_more(self) -> None:
        assert open_note(SIGNED + STRANGER.encode() * 99, VERIFIER) == "one\ntwo\n"
        assert "101 signatures" in refusal(SIGNED + STRANGER.encode() * 100)

    def test_only_a_stranger_signed(self) -> None:
        assert "not signed by the key sums.example.com+" in refusal(f"text\n\n{STRANGER}".encode())

    def test_the_name_alone_does_not_make_a_signature(self) -> None:
        impostor = FakeDatabase(seed=b"\x08" * 32)
        assert "not signed by the key" in refusal(impostor.head())

    def test_the_same_key_under_another_name_is_another_signer(self) -> None:
        assert "not signed by the key" in refusal(SIGNED, dataclasses.replace(VERIFIER, name="other"))

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\n",
            b"\n\n",
            b"text\n\n",
            SIGNED[:-1],
            SIGNED.replace(b"\n\n", b"\n"),
            SIGNED.replace("— ".encode(), b"- "),
            SIGNED.replace("— ".encode(), "—".encode()),
            SIGNED.replace(b"one", b"o\tne"),
            SIGNED.replace(b"one", b"o\rne"),
            SIGNED.replace(b"one", b"o\x00ne"),
            SIGNED.replace(b"one", b"o\x7fne"),
            SIGNED.replace(b"one", "o\x9bne".encode()),
            SIGNED.replace(b"one", b"o\xffne"),
            SIGNED.replace(b"one", b"o\xed\xa0\x80ne"),
            SIGNED + b"\n",
            SIGNED + b"trailing\n",
            SIGNED + "— a+b AAAAAAAA\n".encode(),
            SIGNED + "— short AAAAAA==\n".encode(),
            SIGNED + "— empty \n".encode(),
            SIGNED + "— none\n".encode(),
        ],
    )
    def test_malformed(self, data: bytes) -> None:
        assert "note" in refusal(data)

    def test_size_cap(self) -> None:
        longest = "x" * (MAX_NOTE_SIZE - len(DATABASE.sign("\n"))) + "\n"
        assert open_note(DATABASE.sign(longest), VERIFIER) == longest
        assert f"more than {MAX_NOTE_SIZE}" in refusal(DATABASE.sign("x" + longest))


@given(st.binary(max_size=400))
def test_noise_is_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        open_note(data, VERIFIER)


@given(
    text=st.text(max_size=60),
    lines=st.lists(
        st.one_of(
            st.text(max_size=40), st.builds("— {} {}".format, st.text(max_size=8), st.text(max_size=40))
        ),
        max_size=5,
    ),
)
@example(text="a", lines=["— a AAAAAAAA"])
def test_unsigned_notes_are_refused_and_nothing_else(text: str, lines: list[str]) -> None:
    block = "".join(f"{line}\n" for line in lines)
    with pytest.raises(IntegrityError):
        open_note(f"{text}\n\n{block}".encode("utf-8", "surrogatepass"), VERIFIER)


@given(position=st.integers(0, len(SIGNED)), data=st.binary(min_size=1, max_size=8), drop=st.integers(0, 8))
def test_a_changed_note_says_the_same_or_is_refused(position: int, data: bytes, drop: int) -> None:
    changed = SIGNED[:position] + data + SIGNED[position + drop :]
    try:
        text = open_note(changed, VERIFIER)
    except IntegrityError:
        return
    assert text == "one\ntwo\n"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=80))
def test_what_was_signed_is_read_back(text: str) -> None:
    assert open_note(DATABASE.sign(f"{text}\n"), VERIFIER) == f"{text}\n"


@given(st.text(max_size=24))
@example("AA==")
@example("AB==")
@example("AA")
@example("A A=")
@example("AAAA\n")
def test_base64_has_one_spelling(text: str) -> None:
    data = decode_base64(text)
    assert data is None or base64.b64encode(data).decode() == text
