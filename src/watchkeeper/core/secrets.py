"""What must not be shown: passwords, keys and signatures, wherever they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["MASK", "is_secret_name", "known_secret", "without_secrets"]

MASK = "*****"

_NAME = (
    r"(?:[\w.-]*(?:secret|passw(?:or)?d|passphrase|credential|signature|api[-_]?key|access[-_]?key|account[-_]?key|"
    r"private[-_]?key|shared[-_]?key|encryption[-_]?key|routing[-_]?key|integration[-_]?key|service[-_]?key|"
    r"(?:access|refresh|id|sas|security|session|auth|bearer|bot|api|user)[-_]?token|connection[-_]?string)[\w.-]*"
    r"|token|pwd|pass|sig|sas|auth|authorization|bearer|key|cookie)"
)
# Patterns stay texts until a text is looked at: to compile them costs a third of what a help page costs.
_SECRET_NAME = rf"(?i){_NAME}"
_WORD = r"(?i)key|keys|token|tokens|secret|pass|pwd|auth|sig|sas|dsn|cookie|authorization"
_PARTS = r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])"

_LOGIN = r"(?<=://)(?![^\s@/]*:\*+@)(?:[^\s\"'<>@/:]{0,500}:[^\s\"'<>]{0,500}|[^\s\"'<>@/]{1,500})@"
_PARAMETER = rf"(?i)(?<![\w.-])({_NAME})(=|%3D)[^\s\"'&;,<>)}}\]]*[^\s\"'&;,<>)}}\]:.]"
_ENTRY = rf"(?i)(?<![\w.-])(['\"]?)({_NAME})\1(\s*:\s*)(['\"])(?:(?!\4).)+\4"
_HEADER = r"(?i)\b(Bearer|Basic|Authorization:)\s+(?:Bearer |Basic )?[\w.~+/=-]{8,}"
_ELEMENT = rf"(?i)<({_NAME}|\w*AccessKeyId|StringToSign)>[^<]+<"
_SHORTEST, _NO_WORD = 6, 16

_known: set[str] = set()


def without_secrets(text: str) -> str:
    """Return a text with a mask in the place of what must not be shown.

    That is the user and the password of a URL; the values of parameters, entries and headers whose names say that they
    are passwords, keys, tokens or signatures; and what the configuration in force says in such a place, wherever it
    stands and however it is written in a URL.

    Examples
    --------
    >>> without_secrets("cannot open postgresql://me:hush@host/db?sslmode=on&password=hush")
    'cannot open postgresql://*****@host/db?sslmode=on&password=*****'
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    if "@" in text:
        text = re.sub(_LOGIN, f"{MASK}@", text)
    text = re.sub(_PARAMETER, rf"\1\2{MASK}", text)
    text = re.sub(_ENTRY, rf"\1\2\1\3\4{MASK}\4", text)
    text = re.sub(_HEADER, rf"\1 {MASK}", text)
    return re.sub(_ELEMENT, rf"<\1>{MASK}<", text)


def is_secret_name(name: str, *, option: bool = False) -> bool:
    """Whether the name of a setting says that its value must not be shown.

    Parameters
    ----------
    option
        Whether it is an option of a store or a receiver: there a word such as ``key`` in it is enough.
    """
    if re.fullmatch(_SECRET_NAME, name):
        return True
    return option and any(re.fullmatch(_WORD, part) for part in re.split(_PARTS, name))


def known_secret(values: Iterable[str]) -> None:
    """Mask these wherever they stand from now on; what is short or might be a word of the language is left alone."""
    from urllib.parse import quote, quote_plus, unquote

    for value in values:
        if len(value) >= _SHORTEST and not (value.isalpha() and len(value) < _NO_WORD):
            _known.update({value, quote(value), quote(value, safe=""), quote_plus(value), unquote(value)})
