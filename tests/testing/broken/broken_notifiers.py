"""Notifiers, each of which breaks one promise; ``sound`` keeps them all."""

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from watchkeeper.alerts.payload import sent
from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import DeliveryError, UsageError


class Sound:
    """Appends a line to a file."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "sound"
    trial: ClassVar[dict[str, str]] = {"to": "{path}"}

    def send(self, alert, options):
        if not options.get("to"):
            raise UsageError("sound needs the option to")
        path = Path(options["to"])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(self.line(alert) + "\n")
        except OSError as error:
            raise DeliveryError(f"cannot write: {error.strerror}") from error

    def line(self, alert):
        return as_json(sent(alert))


class Lazy(Sound):
    """Sends nothing."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "lazy"

    def send(self, alert, options):
        pass


class Twice(Sound):
    """Sends everything twice."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "twice"

    def send(self, alert, options):
        super().send(alert, options)
        super().send(alert, options)


class Vague(Sound):
    """Does not say what became of the alert."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "vague"

    def line(self, alert):
        return f"something is up with {alert.model!r}"


class Greedy(Sound):
    """Keeps its options for itself."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "greedy"

    def send(self, alert, options):
        super().send(alert, options)
        options["seen"] = "yes"


class Raw(Sound):
    """Sends names as they come."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "raw"

    def line(self, alert):
        names = " ".join(alert.columns)[:1_000].replace("\n", " ").replace("\r", " ")
        return f"{alert.model.replace(chr(10), ' ')} {alert.state.value} {names}"


class Split(Sound):
    """Obeys the line breaks of names."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "split"

    def line(self, alert):
        return f"{alert.model} {alert.state.value}"


class Endless(Sound):
    """Sends all that there is."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "endless"

    def line(self, alert):
        return json.dumps([repr(alert.model), alert.state.value, [repr(name) for name in alert.columns]])


class Swallowing(Sound):
    """Hides that it failed."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "swallowing"

    def send(self, alert, options):
        with suppress(DeliveryError):
            super().send(alert, options)


class Foreign(Sound):
    """Fails with an error of the system."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "foreign"

    def send(self, alert, options):
        try:
            super().send(alert, options)
        except DeliveryError as error:
            raise OSError("cannot write") from error


class Telltale(Sound):
    """Tells where it failed to send, secrets and all."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "telltale"

    def send(self, alert, options):
        try:
            super().send(alert, options)
        except DeliveryError as error:
            raise DeliveryError(f"cannot write {options['to']}") from error


class Careless(Sound):
    """Falls over a missing option."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "careless"

    def send(self, alert, options):
        super().send(alert, {"to": options["to"]})


class Hoarding(Sound):
    """Keeps a file open for each alert."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "hoarding"
    held: ClassVar[list[object]] = []

    def send(self, alert, options):
        super().send(alert, options)
        self.held.append(Path(options["to"]).open())  # noqa: SIM115


class Restless(Sound):
    """Leaves a thread behind."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "restless"

    def send(self, alert, options):
        super().send(alert, options)
        threading.Thread(target=time.sleep, args=(6,), daemon=True).start()
