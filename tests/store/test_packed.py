"""Packed texts come back to the letter, are short, and say when they are damaged."""

from __future__ import annotations

import pytest

from watchkeeper.core.errors import StoreError
from watchkeeper.store.packed import pack, unpack

BODY = (
    '{"error":0.006018119201208714,"facts":{"coverage":0.9443786982248521,"fn":2243.0,"fp":74.0,"tn":3894.0,"tp":173.0},'
    '"interval":[0.6251869410803823,0.6487710165930194],"n":6384,"value":0.6370614035087719}'
)


@pytest.mark.parametrize("text", ["", "{}", BODY, "naïve \u2028 \U0001f40c", "\x00", "x" * 100_000])
def test_a_packed_text_comes_back_to_the_letter(text: str) -> None:
    assert unpack(pack(text)) == text


def test_a_packed_body_takes_three_fifths_of_its_room() -> None:
    assert len(pack(BODY)) <= 0.6 * len(BODY)


def test_bytes_written_once_are_read_for_ever() -> None:
    """The dictionary is part of what is stored: made with another one, these bytes say something else or nothing."""
    stored = "01ab06a93747923732ad0500"
    assert unpack(bytes.fromhex(stored)) == '{"n":7,"value":0.25}'


@pytest.mark.parametrize("stored", [b"", b"\x00", b"\x09abc", pack(BODY)[:-4], pack(BODY)[:9] + b"\xff" * 20])
def test_damaged_bytes_are_a_store_error(stored: bytes) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        unpack(stored)
