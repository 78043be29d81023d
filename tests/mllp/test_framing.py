"""Blocks of MLLP, however their bytes are chopped.

Source: HL7, Transport Specification: MLLP, Release 1.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fhir_gateway.exchange.hl7v2.framing import KEPT, Block, Framer, framed

DATA = st.binary(max_size=60).map(lambda data: data.replace(b"\x0b", b"").replace(b"\x1c", b""))
BETWEEN = st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"\x00", b" \r\n"])


def blocks(*pieces: bytes, limit: int = 1000) -> list[Block]:
    framer = Framer(limit)
    return [block for piece in pieces for block in framer.receive(piece)]


def chopped(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.lists(st.tuples(DATA, BETWEEN), max_size=5), st.lists(st.integers(min_value=0), max_size=12))
def test_any_chopping_of_the_stream_gives_the_blocks_that_were_sent(
    sent: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(framed(data) + between for data, between in sent)
    assert blocks(*chopped(stream, cuts)) == [Block(data) for data, _ in sent]


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=12))
def test_any_chopping_of_anything_gives_the_same_blocks(stream: bytes, cuts: list[int]) -> None:
    assert blocks(*chopped(stream, cuts), limit=50) == blocks(stream, limit=50)


@given(st.binary(max_size=300))
def test_what_is_framed_comes_out_as_one_block(data: bytes) -> None:
    [block] = blocks(framed(data))
    assert len(block.data) == len(data)
    assert not {0x0B, 0x1C} & {*block.data}


def test_a_block_ends_without_its_carriage_return() -> None:
    assert blocks(b"\x0bone\x1c\x0btwo\x1c\r") == [Block(b"one"), Block(b"two")]


def test_a_block_begun_within_a_block_drops_the_first_and_is_counted() -> None:
    framer = Framer(1000)
    assert framer.receive(b"\x0bhalf of it\x0bwhole\x1c\r") == [Block(b"whole")]
    assert framer.dropped == 1


def test_data_without_a_beginning_is_a_block_once_it_ends() -> None:
    assert blocks(b"MSH|^~", b"\\&|\x1c\r") == [Block(b"MSH|^~\\&|")]


def test_of_a_block_beyond_the_limit_the_beginning_is_kept_and_no_more() -> None:
    framer = Framer(10_000)
    found = [each for _ in range(50) for each in framer.receive(b"x" * 1000)]
    assert found == []
    assert framer.held == KEPT
    assert framer.receive(b"\x1c\r\x0bnext\x1c\r") == [Block(b"x" * KEPT, whole=False), Block(b"next")]
    assert framer.held == 0


def test_a_long_block_in_small_pieces_is_looked_at_once() -> None:
    class Counted(bytes):
        looked = 0

        def find(self, *arguments: object) -> int:  # type: ignore[override]
            Counted.looked += 1
            return bytes.find(self, *arguments)  # type: ignore[arg-type]

    framer = Framer(10_000_000)
    for _ in range(1000):
        framer.receive(Counted(b"y" * 100))
    assert Counted.looked == 1000
    assert framer.receive(b"\x1c") == [Block(b"y" * 100_000)]
