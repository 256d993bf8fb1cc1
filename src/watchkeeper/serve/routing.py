"""Which version answers which request: the same one for the same request, in every process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

__all__ = ["Roles", "bucket", "roles_from"]

_OPEN = ("running", "paused")


@dataclass(frozen=True, slots=True)
class Roles:
    """Who answers.

    Parameters
    ----------
    champion
        The version in charge.
    challenger, share
        The version that answers a share of the requests, and the share; empty and 0 where none does.
    shadow
        The version that is asked too, and whose answer nobody gets; empty where none is.
    salt
        What keeps the requests of one rollout apart from those of the next.
    """

    champion: str
    challenger: str = ""
    share: float = 0.0
    shadow: str = ""
    salt: str = ""

    def version_for(self, request: str | int) -> str:
        """Return the version that answers a request.

        Whoever was answered by the challenger at 5 % is so at 25 % too.

        Examples
        --------
        >>> roles = Roles("v1", "v2", 0.25)
        >>> sum(roles.version_for(number) == "v2" for number in range(1_000))
        238
        """
        return self.challenger if self.challenger and bucket(self.salt, request) < self.share else self.champion

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that are asked."""
        return tuple(dict.fromkeys(name for name in (self.champion, self.challenger, self.shadow) if name))


def bucket(salt: str, request: str | int) -> float:
    """Return where a request falls in [0, 1): by a hash, so that it does not depend on the process or the moment."""
    digest = hashlib.sha256(f"{salt}\n{request}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def roles_from(champion: str, rollout: str | None) -> Roles:
    """Return who answers, by the pointers ``champion`` and ``rollout`` of a store.

    A rollout that cannot be read, has come to an end, or began beside another champion gives nobody a part. Nor does
    one that has given its challenger everything: the pointer says who is in charge, and somebody may have rolled back.
    """
    try:
        told = json.loads(rollout or "{}")
        if told.get("state", "") not in _OPEN or told["champion"] != champion:
            return Roles(champion)
        share, challenger = float(told["shares"][told["stage"]]), str(told["challenger"])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return Roles(champion)
    if share >= 1:
        return Roles(champion)
    if share <= 0:
        return Roles(champion, shadow=challenger, salt=str(told["id"]))
    return Roles(champion, challenger, share, salt=str(told["id"]))
