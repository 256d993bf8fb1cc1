"""What importing Watchkeeper costs. These are the only timed tests: the best of several fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROUNDS = 25
HEAVY = (
    "alembic", "altair", "deltalake", "fastapi", "jinja2", "matplotlib", "optuna", "pandas", "pyarrow", "skl2onnx",
    "sklearn", "skops", "torch", "typer", "uvicorn", "vl_convert",
)  # fmt: skip
HEAVY_FOR_A_SERVICE = (*HEAVY, "numpy", "polars", "pydantic", "rich", "scipy", "sqlalchemy", "yaml")


def best_seconds(module: str) -> float:
    """Processor time of an import in a fresh interpreter, without the interpreter's own start."""
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    return min(float(run(code)) for _ in range(ROUNDS))


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def loaded_by(code: str) -> set[str]:
    return set(run(f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})").split())


def test_importing_watchkeeper_takes_less_than_half_a_second() -> None:
    assert best_seconds("watchkeeper") < 0.5


def test_importing_the_logging_sdk_takes_less_than_fifty_milliseconds() -> None:
    assert best_seconds("watchkeeper.log") < 0.050


def test_importing_watchkeeper_loads_no_server_chart_or_training_package() -> None:
    assert not loaded_by("import watchkeeper") & set(HEAVY)


def test_importing_the_logging_sdk_loads_nothing_heavy() -> None:
    assert not loaded_by("import watchkeeper.log") & set(HEAVY_FOR_A_SERVICE)


@pytest.mark.parametrize("folder", ["core.plugins", "stats.summarise", "compare", "charts", "alerts"])
def test_watching_loads_no_server_chart_or_training_package(folder: str) -> None:
    assert not loaded_by(f"import watchkeeper.{folder}") & (set(HEAVY) - {"alembic", "deltalake"})


def test_every_public_name_is_found_and_an_unknown_one_is_an_attribute_error() -> None:
    code = "import watchkeeper as w; [getattr(w, name) for name in w.__all__]; print(hasattr(w, 'chekc'))"
    assert run(code).strip() == "False"
