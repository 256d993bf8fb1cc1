"""What importing Watchkeeper costs, in lines of Python and modules."""

from __future__ import annotations

import subprocess
import sys

from tests.counting import cost_of

HEAVY = (
    "alembic", "altair", "deltalake", "fastapi", "jinja2", "keras", "lightgbm", "matplotlib", "onnx", "onnxruntime",
    "optuna", "pandas", "pyarrow", "river", "safetensors", "skl2onnx", "sklearn", "skops", "torch", "typer", "uvicorn",
    "vl_convert", "xgboost",
)  # fmt: skip
HEAVY_FOR_A_SERVICE = (*HEAVY, "numpy", "polars", "pydantic", "rich", "scipy", "sqlalchemy", "yaml")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def loaded_by(code: str) -> set[str]:
    return set(run(f"{code}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})").split())


def test_importing_watchkeeper_executes_few_lines() -> None:
    # 25,000 lines and 30 modules when this was written; numpy alone executes 600,000.
    cost = cost_of("import watchkeeper")
    assert cost.lines < 40_000
    assert len(cost.modules) < 50


def test_importing_the_logging_sdk_executes_few_lines() -> None:
    # 39,000 lines and 43 modules, which took 20 milliseconds; logging of the standard library executes 64,000.
    cost = cost_of("import watchkeeper.log")
    assert cost.lines < 60_000
    assert len(cost.modules) < 60


def test_importing_watchkeeper_loads_no_server_chart_or_training_package() -> None:
    assert not loaded_by("import watchkeeper") & set(HEAVY)


def test_importing_the_logging_sdk_loads_nothing_heavy() -> None:
    assert not loaded_by("import watchkeeper.log") & set(HEAVY_FOR_A_SERVICE)


def test_watching_loads_no_server_chart_or_training_package() -> None:
    folders = ("core.plugins", "stats.summarise", "compare", "charts", "alerts")
    loads = "; ".join(f"import watchkeeper.{folder}" for folder in folders)
    assert not loaded_by(loads) & (set(HEAVY) - {"alembic", "deltalake"})


def test_knowing_the_frameworks_loads_none_of_them() -> None:
    packages = {"keras", "lightgbm", "onnx", "onnxruntime", "river", "safetensors", "skl2onnx", "torch", "xgboost"}
    assert not loaded_by("from watchkeeper.core.plugins import plugins; plugins('framework')") & packages


def test_every_public_name_is_found_and_an_unknown_one_is_an_attribute_error() -> None:
    code = "import watchkeeper as w; [getattr(w, name) for name in w.__all__]; print(hasattr(w, 'chekc'))"
    assert run(code).strip() == "False"
