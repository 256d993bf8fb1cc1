"""Virtual environments for the peers, apart from Watchkeeper's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / ".envs"
PEERS = {
    # Evidently does not run on pandas 3, and says so nowhere.
    "evidently": ["evidently>=0.7", "pandas>=2.2,<3", "pyarrow>=17"],
    "whylogs": ["whylogs>=1.6", "pandas>=2.2,<3", "pyarrow>=17"],
    # NannyML imports statsmodels without asking for it, and does not run on pandas 3.
    "nannyml": ["nannyml==0.13.1", "statsmodels", "pandas>=2.2,<3", "pyarrow>=17"],
}


def python_of(peer: str) -> Path:
    """Install a peer if need be and return its interpreter; RuntimeError when it cannot be installed."""
    home = FOLDER / peer
    python, stamp = home / "bin" / "python", home / "installed"
    wanted = "\n".join(PEERS[peer])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(
        f"installing {peer} in {home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home}", flush=True
    )
    subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS[peer]],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise RuntimeError(errors[0] if errors else "pip failed")
    stamp.write_text(wanted)
    return python
