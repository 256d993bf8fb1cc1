"""What the docstring of a part says of its keys, for whoever reads the schema of the configuration."""

from __future__ import annotations

import inspect
import re

__all__ = ["told_keys"]

_SECTION = re.compile(r"^(?:Attributes|Parameters)\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^(\S[^\n]*)\n((?:[ ]+[^\n]*\n?|\n)+)", re.MULTILINE)


def told_keys(documented: type) -> dict[str, str]:
    """Return by name what the sections Attributes and Parameters of a class's docstring say, each on one line.

    Examples
    --------
    >>> from watchkeeper.config.intake import Intake
    >>> sorted(told_keys(Intake))
    ['ahead', 'apart', 'earliest', 'on_change']
    """
    found: dict[str, str] = {}
    for section in _SECTION.findall(inspect.getdoc(documented) or ""):
        for names, text in _ENTRY.findall(f"{section}\n"):
            for name in names.split(","):
                found[name.strip().rstrip("_")] = " ".join(text.replace("``", "").split())
    return found
