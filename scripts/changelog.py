"""Print what the changelog says of a release, whose tag has to be that of this version."""

import argparse
import re
import sys
import tomllib
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the section of a tag; one line and exit code 1 when there is none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tag", help="v and the version, as in v0.2.0")
    parser.add_argument("--folder", type=Path, default=TEMPLATE, help="of the repository")
    asked = parser.parse_args()
    folder: Path = asked.folder
    settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    version = settings["project"]["version"]
    if asked.tag != f"v{version}":
        sys.exit(f"the tag is {asked.tag}, and pyproject.toml says {version}")
    text = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"(?ms)^## {re.escape(version)}\n(.+?)(?=^## |\Z)", text)
    if found is None:
        sys.exit(f"CHANGELOG.md has no section {version}")
    print(found[1].strip())


if __name__ == "__main__":
    main()
