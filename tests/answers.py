"""Generate projects from the template, with some answers other than the default ones."""

import importlib.util
import json
import shutil
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config

TEMPLATE = Path(__file__).resolve().parents[1]
PROJECT = "{{cookiecutter.project_slug}}"
NAME_IN_TEMPLATE = "flight_delay"
QUESTIONS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))


def load_hook(name: str) -> ModuleType:
    """Import a hook as it stands in the template."""
    spec = importlib.util.spec_from_file_location(name, TEMPLATE / "hooks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    return hook


def answers(**changes: str) -> dict[str, Any]:
    """Return what the hooks see when these questions are answered and the others are not."""
    context = generate_context(str(TEMPLATE / "cookiecutter.json"), extra_context=changes)
    return dict(prompt_for_config(context, no_input=True))


DEFAULTS = {field: value for field, value in answers().items() if not field.startswith("_")}


def generate(
    output: Path, *, template: Path = TEMPLATE, overwrite: bool = False, **changes: str
) -> Path:
    """Generate a project into `output`, untouched by the settings of this machine's user."""
    with tempfile.TemporaryDirectory() as home:
        settings = Path(home, "cookiecutter.json")
        folders = {"cookiecutters_dir": home, "replay_dir": home}
        settings.write_text(json.dumps(folders), encoding="utf-8")
        project = cookiecutter(
            str(template),
            no_input=True,
            extra_context=changes,
            overwrite_if_exists=overwrite,
            output_dir=str(output),
            config_file=str(settings),
        )
    return Path(project)


def copy_template(target: Path) -> Path:
    """Copy what the generator reads, so that a test may change it."""
    shutil.copytree(TEMPLATE / PROJECT, target / PROJECT)
    shutil.copytree(TEMPLATE / "hooks", target / "hooks")
    shutil.copy(TEMPLATE / "cookiecutter.json", target)
    return target


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of everything inside, by relative path; a folder has no content."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
