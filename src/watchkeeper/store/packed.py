"""Short JSON texts as few bytes: most of what stands in them stands in all of them."""

from __future__ import annotations

import zlib

from watchkeeper.core.errors import StoreError

__all__ = ["pack", "unpack"]

# Stored bytes name the dictionary they were made with. One that was ever used stays as it is, to the letter.
_WORDS = {
    1: (
        b'{"numbers":{"phase":2.0,"baseline":0.0,"statistic":0.0},"points":[[0.0,0.0]],"arrays":{},"phases":[{"start":'
        b'"2024-01-01T00:00:00Z","reason":"","version":""}]}{"recent":[false,false,true],"quiet":0,"alert":null}'
        b'"reason":"the column is missing","method":"assumes","band":"error_of_sampling":"error_of_calibration":'
        b'"infinities":0.0,"nans":0.0,"nulls":0.0,"default":"","levels":"labelled":"weight":"uncertain":"largest":'
        b'"where":"units":"scale":"cells":100.0,"bins":10.0,"series":1.0,"pairs":"first":"second":"p_value":0.0,'
        b'"design_effect":1.0,"rank_effect":1.0,"sum_of_squares":"estimation":"rule":"size":{"n_reference":1000.0,'
        b'"n_effective":"coverage":1.0,"positives":"negatives":"fn":0.0,"fp":0.0,"tn":0.0,"tp":0.0,"bound":0.00'
        b'"quantity":"null share","mean","share","metric","before":0.0,"after":0.0,"before_upper":0.00'
        b'"from":0.0,"to":0.0,"reference_upper":0.00"evidence":{"change":{"quantity":"mean","before":0.'
        b'"since":"2024-01-01T00:00:00Z"},"lower":0.0,"upper":0.0,"centre":0.0,"score":0.0,"p_value":1.0,"phase":2,'
        b'"zone":"not_judged","zone":"within_3","zone":"within_2","zone":"within_1"}'
        b'{"error":0.00,"facts":{"n_effective":999.99,"n_reference":1000.0},"floor":0.00,"interval":[0.0,-0.00],'
        b'"n":1000,"revision":1,"value":0.0}{"error":0.00'
    )
}
_NEWEST = 1
_RAW = -15


def pack(text: str) -> bytes:
    """Return a text as bytes: the number of a dictionary, then the deflated text."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zdict=_WORDS[_NEWEST])
    return bytes([_NEWEST]) + deflate.compress(text.encode()) + deflate.flush()


def unpack(stored: bytes) -> str:
    """Return the text that ``pack`` was given.

    Raises
    ------
    StoreError
        When the bytes are damaged or name a dictionary of a newer version.
    """
    words = _WORDS.get(stored[0]) if stored else None
    if words is None:
        raise StoreError("a record cannot be read: it is damaged or from a newer version")
    try:
        inflate = zlib.decompressobj(_RAW, zdict=words)
        text = inflate.decompress(stored[1:])
        if not inflate.eof:
            raise StoreError("a record cannot be read: it is cut off")
        return text.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(f"a record cannot be read: {error}; it is damaged") from error
