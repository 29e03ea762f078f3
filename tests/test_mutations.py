"""A generated project's own tests go red for each fault of `mutations.py`: for it and no other."""

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from answers import NAME_IN_TEMPLATE, PROJECT, TEMPLATE
from fault import Fault
from mutations import FAULTS
from shell import run

PACKAGE = f"src/{NAME_IN_TEMPLATE}"
LEFT_BEHIND = shutil.ignore_patterns(".venv", "mlartifacts", "__pycache__")
PYTEST = "-m pytest -q --exitfirst --tb=no -p no:cacheprovider"
# A name or a module that the fault had broken would be red for a reason of its own. The project's
# errors are of the kind: they show that another of its checks has seen the fault.
SEEN = rf"assert |AssertionError|Failed: DID NOT RAISE|{NAME_IN_TEMPLATE}\.\w+\.\w+Error: "

TRAINED = '''

@pytest.fixture(scope="session")
def trained() -> Settings:
    """Return the settings of this folder, where the demo has trained."""
    return Settings(home=Path(__file__).parents[1], resamples=RESAMPLES)
'''

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
Check = Callable[..., str]


def faulty(fault: Fault, text: str) -> str:
    """Return the text of a module with the fault in it."""
    assert text.count(fault.old) == 1, f"{fault.module} has this not once:\n{fault.old}"
    changed = text.replace(fault.old, fault.new)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    return changed


@contextmanager
def injected(fault: Fault, folder: Path) -> Iterator[None]:
    """Put a fault into a project and take it out again."""
    module = folder / PACKAGE / fault.module
    text = module.read_text(encoding="utf-8")
    module.write_text(faulty(fault, text), encoding="utf-8")
    try:
        yield
    finally:
        module.write_text(text, encoding="utf-8")


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 10


@each_fault
def test_a_fault_fits_the_template_and_its_test_exists(fault: Fault) -> None:
    faulty(fault, (TEMPLATE / PROJECT / PACKAGE / fault.module).read_text(encoding="utf-8"))
    path, _, name = fault.test.partition("::")
    tests = (TEMPLATE / PROJECT / "tests" / path).read_text(encoding="utf-8")
    assert f"\ndef {name}(" in tests


@pytest.fixture(scope="module")
def copy(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the project with what it trained, which its tests then use in place of training."""
    copied = tmp_path_factory.mktemp("mutations") / "copied"
    shutil.copytree(project, copied, ignore=LEFT_BEHIND)
    conftest = copied / "tests" / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    # To train takes half a minute, so the fixture that trains is defined once more.
    conftest.write_text(text + TRAINED, encoding="utf-8")
    return copied


@pytest.fixture(scope="module")
def check(project: Path, copy: Path) -> Check:
    """Return a function that runs tests of the copy; without a fault they all pass."""

    def checked(*tests: str, code: int) -> str:
        names = " ".join(f"tests/{test}" for test in tests)
        return python(project, copy, f"{PYTEST} {names}", code=code)

    shown = f"-c 'import {NAME_IN_TEMPLATE} as package; print(package.__file__)'"
    assert Path(python(project, copy, shown, code=0).strip()).is_relative_to(copy)
    checked(*sorted({fault.test for fault in FAULTS}), code=0)
    return checked


def python(project: Path, copy: Path, arguments: str, *, code: int) -> str:
    """Run the project's Python on the modules of the copy and return what it printed."""
    # Bytecode is believed by time and size: a fault as long as the original would not be seen.
    # The columns are for pytest, which otherwise cuts its reasons short.
    command = f"{project / '.venv' / 'bin' / 'python'} {arguments}"
    path = str(copy / "src")
    return run(
        command, copy, code=code, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1", COLUMNS="1000"
    ).stdout


@pytest.mark.slow
@each_fault
def test_a_fault_turns_its_test_red(fault: Fault, copy: Path, check: Check) -> None:
    with injected(fault, copy):
        said = check(fault.test, code=1)
    red = rf"^FAILED tests/{fault.test}(\[.*?\])? - ({SEEN})"
    assert re.search(red, said, flags=re.MULTILINE), said
