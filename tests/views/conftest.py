from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views import example
from tests.views.chromium import Page, chromium
from watchkeeper.views.report import Report


@pytest.fixture(scope="session")
def report() -> Report:
    return example.report()


@pytest.fixture(scope="session")
def html(report: Report) -> str:
    return report.html()


@pytest.fixture(scope="session")
def checked() -> Report:
    return example.checked()


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    executable = chromium()
    if executable is None:
        pytest.skip("there is no Chromium on this machine: install Debian's package `chromium`")
    tab = Page(executable, tmp_path_factory.mktemp("chromium"))
    yield tab
    tab.close()


@pytest.fixture(scope="session")
def address(html: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    place: Path = tmp_path_factory.mktemp("page") / "report.html"
    place.write_text(html, "utf-8")
    return place.as_uri()
