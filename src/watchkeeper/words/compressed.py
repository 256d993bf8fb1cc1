"""What another form of a version came to, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchkeeper.core.ground import Ground

__all__ = ["COMPRESSED"]


def _apart(ground: Ground) -> str:
    flips = "" if (ground.error or 0.0) < 0 else f", {ground.error or 0.0:.2%} of answers flip"
    return (
        f"{ground.name} answers otherwise than the version it is made of: an answer moves by up to "
        f"{ground.value or 0.0:.3g} ({ground.limit or 0.0:.2g} is allowed{flips}, n = {ground.n:,})"
    )


def _close(ground: Ground) -> str:
    flips = "" if (ground.error or 0.0) < 0 else f", {ground.error or 0.0:.2%} flip"
    return f"answers move by at most {ground.value or 0.0:.3g}{flips} (n = {ground.n:,})"


def _gain(ground: Ground) -> str:
    size = f"{ground.before or 0.0:,.0f} → {ground.after or 0.0:,.0f} bytes"
    faster = ground.error or 0.0
    said = f"the file {size}, answers {abs(faster):.0%} {'slower' if faster < 0 else 'faster'}"
    return said if ground.code == "compressed_gain" else f"no gain: {said}; a tenth is needed"


COMPRESSED: Mapping[str, Callable[[Ground], str]] = {
    "compressed_apart": _apart,
    "compressed_close": _close,
    "compressed_gain": _gain,
    "compressed_no_gain": _gain,
}
