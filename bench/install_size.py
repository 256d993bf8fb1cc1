"""Install Watchkeeper without extras in a fresh environment and print its size and number of packages."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_MB, MOST_PACKAGES = 850, 70
OWN = {"pip", "setuptools"}


def main() -> int:
    """Return 0 when both are within bounds."""
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--no-compile", str(root)], check=True)
        listed = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True, text=True).stdout
        packages = [entry["name"] for entry in json.loads(listed) if entry["name"] not in OWN]
        files = [path for path in Path(folder).glob("lib/**/*") if path.is_file() and not path.is_symlink()]
        own = [p for p in files if any(part.split("-")[0] in OWN for part in p.parts[len(Path(folder).parts) :])]
        size = (sum(p.stat().st_size for p in files) - sum(p.stat().st_size for p in own)) / 1e6
    print(f"{size:.0f} MB in {len(packages)} packages, without extras (at most {MOST_MB} MB and {MOST_PACKAGES})")
    return int(size > MOST_MB or len(packages) > MOST_PACKAGES)


if __name__ == "__main__":
    sys.exit(main())
