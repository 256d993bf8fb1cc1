"""A small client of a headless Chromium, over a pipe, so that the tests need no browser library.

References
----------
Chrome DevTools Protocol, https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


def chromium() -> str | None:
    """Return the path of a Chromium, or None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One tab, told what to do over the browser's own pipe."""

    def __init__(self, executable: str, home: Path) -> None:
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
        high = [_above(fd) for fd in (to_browser, from_browser, os.open(os.devnull, os.O_RDWR))]
        moves = [(os.POSIX_SPAWN_DUP2, high[2], fd) for fd in (0, 1, 2)]
        moves += [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
        arguments = [executable, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        self._process = os.posix_spawn(executable, arguments, dict(os.environ), file_actions=moves, setpgroup=0)
        for fd in high:
            os.close(fd)
        self._number, self._buffer, self.events = 0, b"", []
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Carry out a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, url: str, *, width: int, height: int, dark: bool = False) -> None:
        """Load a page at a size and in a theme, and wait until it has loaded."""
        phone = width < 500
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def wait(self, event: str) -> None:
        """Wait for an event."""
        while not any(e.get("method") == event for e in self.events):
            self.events.append(self._read())

    def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    def value_in_frame(self, expression: str) -> Any:
        """Return the value of an expression inside the one frame of the page, which a sandbox keeps to itself."""
        apart = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "iframe"]
        own = self._session
        try:
            # Newer browsers give such a frame a process, and so a session, of its own.
            for target in apart:
                attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
                self._session = attached["sessionId"]
            (tree, *_) = _frames(self.call("Page.getFrameTree")["frameTree"], inside=not apart)
            world = self.call("Page.createIsolatedWorld", frameId=tree)["executionContextId"]
            told = self.call("Runtime.evaluate", expression=expression, contextId=world, returnByValue=True)
        finally:
            self._session = own
        return told["result"].get("value")

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what the page looks like, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    @property
    def complaints(self) -> list[str]:
        """What the page wrote to its console as an error or threw."""
        told = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                told.append(parameters["exceptionDetails"]["text"])
            elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                told.append(parameters["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
                told.append(str(parameters["args"]))
        return told

    @property
    def requests(self) -> list[str]:
        """Every address the page asked for."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def close(self) -> None:
        """End the browser and what it started."""
        for fd in (self._out, self._in):
            os.close(fd)
        for _ in range(50):
            if os.waitpid(self._process, os.WNOHANG)[0]:
                return
            time.sleep(0.1)
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def _read(self, patience: float = 600.0) -> dict[str, Any]:
        end = time.monotonic() + patience
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium said nothing for {patience:g} seconds")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise RuntimeError("Chromium ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))


def _frames(tree: dict[str, Any], *, inside: bool) -> list[str]:
    """Return the id of a frame, or those of the frames inside it."""
    return [one["frame"]["id"] for one in (tree.get("childFrames", []) if inside else [tree])]


def _above(fd: int, floor: int = 10) -> int:
    """Move a descriptor out of the way of 0 to 4."""
    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)
    os.close(fd)
    return moved
