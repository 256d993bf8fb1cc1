"""A notebook that is run and rendered by nbconvert, seen in a real browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.views.chromium import Page

pytestmark = pytest.mark.browser

CELLS = [
    ("markdown", "# Churn, this week"),
    ("code", "import numpy as np\nimport polars as pl\n\nimport watchkeeper"),
    ("code", "rng = np.random.default_rng(3)"),
    (
        "code",
        "def rows(n, calls):\n    calls = rng.poisson(calls, n)\n    return pl.DataFrame({'support_calls': calls})",
    ),
    ("code", "before, now = rows(4000, 1.4), rows(4000, 2.3)"),
    ("markdown", "## The report"),
    ("code", "report = watchkeeper.check(now, before)\nreport"),
    ("code", "report.to_frame().height > 2, 'support_calls' in report"),
    ("code", "report.plot('support_calls')"),
    ("code", "print(report)"),
]

HOSTILE_STYLE = "<style>iframe,.wk,.wk *,table,td,h1,p{font-size:71px !important;display:block !important}</style>"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    kinds = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook = nbformat.v4.new_notebook(cells=[kinds[kind](text) for kind, text in CELLS])
    # Our own interpreter, whatever kernels the machine has.
    kernels = tmp_path_factory.mktemp("kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(_kernel(kernels)))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        return NotebookClient(notebook, timeout=300, kernel_name="watchkeeper-test").execute()


def _kernel(folder: Path) -> Path:
    spec = folder / "kernels" / "watchkeeper-test"
    spec.mkdir(parents=True)
    command = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (spec / "kernel.json").write_text(f'{{"argv": {command}, "display_name": "test", "language": "python"}}')
    return folder


def outputs(executed: Any, cell: int) -> list[Any]:
    return list(executed.cells[cell].outputs)


def test_the_cells_run_and_the_report_is_shown_once(executed: Any) -> None:
    assert len(executed.cells) == 10
    frames = [
        o for c in executed.cells for o in c.get("outputs", []) if "<iframe" in o.get("data", {}).get("text/html", "")
    ]
    assert len(frames) == 1
    assert len(outputs(executed, 6)) == 1


def test_what_a_text_reader_gets_is_text(executed: Any) -> None:
    (shown,), (printed,) = outputs(executed, 6), outputs(executed, 9)
    assert shown["data"]["text/plain"].strip() == printed["text"].strip()
    assert "<" not in shown["data"]["text/plain"]
    assert "support_calls" in shown["data"]["text/plain"]
    (chart,) = outputs(executed, 8)
    assert set(chart["data"]) == {"image/png", "text/plain"}


def test_the_rendered_page_has_the_report_once_in_a_frame_of_its_own(executed: Any, page: Page, tmp_path: Path) -> None:
    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="")
    html, _ = exporter.from_notebook_node(executed)
    sizes = []
    for name, text in (("plain", html), ("hostile", html.replace("</head>", f"{HOSTILE_STYLE}</head>"))):
        place = tmp_path / f"{name}.html"
        place.write_text(text, "utf-8")
        page.open(place.as_uri(), width=1280, height=900)
        assert page.value("document.querySelectorAll('iframe').length") == 1
        assert page.value("document.querySelectorAll('.wk').length") == 0
        box = page.value("(b => [b.width, b.height])(document.querySelector('iframe').getBoundingClientRect())")
        assert box[0] > 600
        assert box[1] > 300
        asked = "[document.body.innerText, getComputedStyle(document.querySelector('h1')).fontSize]"
        words, size = page.value_in_frame(asked)
        assert words.count("Current against reference") == 1
        assert "support_calls" in words
        sizes.append(size)
    assert sizes[0] == sizes[1]
