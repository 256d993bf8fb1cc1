"""Move the changelog fragments of this folder into CHANGELOG.md under a new version."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

KINDS = ("added", "changed", "fixed", "removed")
NAME = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
MARK = "<!-- versions -->\n"


def fragments(folder: Path) -> list[Path]:
    """Return the fragments in the order of their names; ValueError when a file is no fragment."""
    found = sorted(path for path in folder.iterdir() if path.suffix == ".md" and path.name != "README.md")
    wrong = [path.name for path in found if not NAME.fullmatch(path.name)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: a fragment is called <what>.<kind>.md with a kind of {', '.join(KINDS)}")
    return found


def section(version: str, day: str, found: list[Path]) -> str:
    """Return the section of one version."""
    lines = [f"## {version} ({day})\n"]
    for kind in KINDS:
        texts = [path.read_text().strip() for path in found if path.name.endswith(f".{kind}.md")]
        if texts:
            lines.append(f"### {kind.capitalize()}\n")
            lines.extend("- " + text.replace("\n", "\n  ") for text in texts)
            lines.append("")
    return "\n".join(lines) + "\n"


def main(arguments: list[str], root: Path) -> int:
    """Write the section and delete the fragments."""
    if len(arguments) != 1 or not re.fullmatch(r"\d+\.\d+\.\d+", arguments[0]):
        print("usage: make changelog VERSION=1.2.0", file=sys.stderr)
        return 2
    found = fragments(root / "changelog.d")
    if not found:
        print("changelog.d holds no fragments", file=sys.stderr)
        return 1
    changelog = root / "CHANGELOG.md"
    before = changelog.read_text()
    if MARK not in before:
        print(f"CHANGELOG.md lacks the line {MARK.strip()}", file=sys.stderr)
        return 1
    day = datetime.now(UTC).date().isoformat()
    changelog.write_text(before.replace(MARK, MARK + "\n" + section(arguments[0], day, found), 1))
    for path in found:
        path.unlink()
    print(f"moved {len(found)} fragments to version {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))
