"""What a receiver must be shown and nobody else: from an option, a variable of the environment, or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from watchkeeper.alerts.plain import plain
from watchkeeper.core.errors import UsageError
from watchkeeper.core.secrets import known_secret

__all__ = ["credential", "needed"]

_MOST_BYTES = 65_536


def credential(
    notifier: str, name: str, options: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> str | None:
    """Return a credential: the option ``name``, the variable that ``name_env`` names, or the file ``name_file``.

    It is masked from then on wherever it would be shown, as those of the configuration are.

    Raises
    ------
    UsageError
        When the variable or the file is not there.
    """
    if options.get(name):
        return options[name]
    value = None
    if (variable := options.get(f"{name}_env")) is not None:
        value = (os.environ if environ is None else environ).get(variable)
        if not value:
            raise UsageError(
                f"the notifier {notifier!r} takes its {name} from the variable {plain(variable, 60)!r}, which is not "
                f"set; set it where watchkeeper runs"
            )
    if value is None and (file := options.get(f"{name}_file")) is not None:
        try:
            with Path(file).open("rb") as held:
                value = held.read(_MOST_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise UsageError(
                f"the notifier {notifier!r} takes its {name} from a file that cannot be read: {plain(file, 200)}: "
                f"{reason}"
            ) from None
    if value:
        known_secret([value])
    return value or None


def needed(notifier: str, name: str, options: Mapping[str, str]) -> str:
    """Return a credential that must be there; see ``credential``.

    Raises
    ------
    UsageError
        When it is not.
    """
    value = credential(notifier, name, options)
    if value is None:
        raise UsageError(
            f"the notifier {notifier!r} needs a {name}: write it as {name}, better name a variable of the environment "
            f"as {name}_env or a file as {name}_file"
        )
    return value
