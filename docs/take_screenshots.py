"""Takes the pictures of the report that the docs show, from the report that the demo leaves.

Usage: python docs/take_screenshots.py [REPORT], watchkeeper-demo/report.html unless another is named. Needs Chromium.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from tests.views.chromium import Page, chromium  # noqa: E402

PICTURES = (
    # File, width, dark, what it begins and ends with.
    ("report.png", 1280, False, ".wk-verdict", ".wk-alert"),
    ("report-history.png", 1280, False, ".wk-main", ".wk-panel .wk-wide"),
    ("report-dark.png", 1280, True, ".wk-verdict", ".wk-alert"),
    ("report-phone.png", 390, False, ".wk-verdict", ".wk-todo"),
)

BOX = """(() => { const first = document.querySelector(%r).getBoundingClientRect(),
last = document.querySelector(%r).getBoundingClientRect();
return [first.top + scrollY, last.bottom + scrollY] })()"""


def main(report: Path) -> None:
    """Write every picture."""
    executable = chromium()
    if executable is None:
        sys.exit("there is no Chromium on this machine: install Debian's package `chromium`")
    if not report.exists():
        sys.exit(f"{report} does not exist: run `make demo` first")
    with tempfile.TemporaryDirectory() as home:
        page = Page(executable, Path(home))
        for name, width, dark, first, last in PICTURES:
            page.open(report.resolve().as_uri(), width=width, height=900, dark=dark)
            page.value("document.querySelector('.wk-theme').style.visibility = 'hidden'")
            top, bottom = page.value(BOX % (first, last))
            top = max(0, top - (0 if first == ".wk-verdict" else 24))
            clip = {"x": 0, "y": top, "width": width, "height": bottom + 20 - top, "scale": 1}
            taken = page.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            (DOCS / name).write_bytes(base64.b64decode(taken["data"]))
            sys.stdout.write(f"docs/{name}\n")
        page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("watchkeeper-demo/report.html"))
