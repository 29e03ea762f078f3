"""The images of others that compose.yaml names, made from Debian's packages: no registry is asked.

The programs are the real ones, of Debian's versions; Grafana, which Debian does not have, is a
server that looks for what it would load. Each runs as the user of the image that it stands for.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from docker_engine import BASE, Engine
from machine import require

STAND_INS = Path(__file__).with_name("stand_ins")
POSTGRES = "apt-get install postgresql"
OF_THE_BASE = re.compile(r"/(ld-linux|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+))[-.]")
"""Libraries that have to be those of the image."""
IMAGE = re.compile(r"\$\{([A-Z]+)_IMAGE:-([^}]+)\}")


def make_stand_ins(engine: Engine, project: Path) -> dict[str, str]:
    """Give an engine every image of others that a project names; return them by their service."""
    names = IMAGE.findall((project / "compose.yaml").read_text("utf-8"))
    images = {service.lower(): image for service, image in names}
    for service, image in images.items():
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            of_service = STAND_INS / service
            shutil.copytree(
                of_service if of_service.is_dir() else STAND_INS / "monitoring",
                context,
                dirs_exist_ok=True,
            )
            if service in CONTENT:
                CONTENT[service](context / "root")
            arguments = [f"--build-arg={pair}" for pair in (f"BASE={BASE}", f"NAME={service}")]
            engine.docker("build", "--quiet", "--tag", image, *arguments, str(context))
    return images


def _postgres(root: Path) -> None:
    """Put PostgreSQL at the places that its programs know, and what they are linked with."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    programs = newest[0] if newest else require("initdb", POSTGRES).parent
    unused = shutil.ignore_patterns("llvmjit*", "bitcode", "pgxs")
    for place in (programs.parent, Path("/usr/share/postgresql", programs.parent.name)):
        shutil.copytree(place, root / place.relative_to("/"), symlinks=True, ignore=unused)
    (root / "programs").symlink_to(programs)
    libraries = root / "libraries"
    libraries.mkdir()
    for program in programs.iterdir():
        _copy_libraries(program, libraries)


def _prometheus(root: Path) -> None:
    for program in ("prometheus", "promtool"):
        _copy_program(require(program, "apt-get install prometheus"), root, program)


def _alertmanager(root: Path) -> None:
    how = "apt-get install prometheus-alertmanager"
    _copy_program(require("prometheus-alertmanager", how), root, "alertmanager")
    _copy_program(require("amtool", how), root, "amtool")
    templates = Path("usr/share/prometheus/alertmanager")
    shutil.copytree("/" / templates, root / templates)


def _copy_program(program: Path, root: Path, name: str) -> None:
    folder = root / "usr/bin"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, folder / name)


def _copy_libraries(program: Path, folder: Path) -> None:
    """Copy what a program is linked with, but for what every Debian has."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"=> (/\S+)", said):
        if not OF_THE_BASE.search(library):
            shutil.copy(library, folder)


CONTENT = {"postgres": _postgres, "prometheus": _prometheus, "alertmanager": _alertmanager}
