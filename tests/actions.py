"""Run the steps of a workflow here, in order, as GitHub would.

What cannot be known here (an expression, a condition, an action) has to be given, and is an error
if it was not: nothing is left out silently.
"""

import re
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from answers import PROJECT, TEMPLATE
from shell import environment

Step = dict[str, Any]
Action = Callable[[dict[str, str]], dict[str, str]]
"""What stands in for an action: from its inputs to its outputs."""

SHELL = {"run": {"shell": "bash"}}
"""With it GitHub runs commands as they are run here; without, half of a pipe may fail unseen."""
STATUS = re.compile(r"\b(always|cancelled|failure|success)\(\)")
"""What makes a condition one that is asked for after a failure too."""
SHOWN = 3000
"""Characters at the end of what a step said that are shown when it fails."""


def nothing(_: dict[str, str]) -> dict[str, str]:
    """Stand in for an action whose work is done here already."""
    return {}


def workflow(name: str, folder: Path = TEMPLATE / PROJECT) -> dict[str, Any]:
    """Return a workflow; the template's hold no tag, so that a project has the same."""
    text = (folder / ".github/workflows" / name).read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def fill(text: str, known: Mapping[str, str]) -> str:
    """Replace the expressions in a text; KeyError for one that nobody gave."""
    return re.sub(r"\$\{\{\s*(.+?)\s*\}\}", lambda found: known[found[1]], text)


def runs(content: Mapping[str, Any], job: str) -> list[str]:
    """Return the names of the steps of a job that run a command."""
    return [step["name"] for step in content["jobs"][job].get("steps", []) if "run" in step]


def only(content: dict[str, Any], job: str, *names: str) -> dict[str, Any]:
    """Return a workflow whose job has no other steps than those with these names."""
    steps = [step for step in content["jobs"][job]["steps"] if step.get("name") in names]
    assert len(steps) == len(names)
    return content | {"jobs": {job: content["jobs"][job] | {"steps": steps}}}


def uses(content: Mapping[str, Any]) -> set[str]:
    """Return the actions that a workflow uses."""
    steps = [step for job in content["jobs"].values() for step in job.get("steps", [])]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    return {step["uses"].partition("@")[0] for step in steps if "uses" in step}


@dataclass
class Runner:
    """A machine of GitHub's with a checkout, on which jobs run one after the other."""

    folder: Path
    scratch: Path
    known: dict[str, str] = field(default_factory=dict)
    """By expression: `matrix.python`, `secrets.TOKEN`, `needs.build.outputs.name`."""
    conditions: dict[str, bool] = field(default_factory=dict)
    """Those that ask for more than how the job and its steps have gone."""
    actions: dict[str, Action] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """Of the environment, as GitHub sets them, or such as a test needs."""
    elsewhere: Collection[str] = ()
    """Names of steps that cannot be run here; the test says why."""
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)
    """By the name of a step, what it said."""
    cancelled_at: str = ""
    """Name of the step during which somebody cancels the run, before it has done anything."""
    failed: bool = False
    cancelled: bool = False

    def __post_init__(self) -> None:
        """Add what every job begins with: the files are there, and so is uv."""
        prepared = {"actions/checkout": nothing, "astral-sh/setup-uv": self._set_up_uv}
        self.actions = prepared | self.actions

    def job(self, content: Mapping[str, Any], name: str, *, seconds: int = 600) -> None:
        """Run the steps of a job; its outputs are known to the jobs after it."""
        job = content["jobs"][name]
        self.failed = self.cancelled = False
        assert self._holds(job.get("if", ""))
        for step in job["steps"]:
            self.known["job.status"] = "failure" if self.failed else "success"
            self.known[f"steps.{step.get('id')}.outcome"] = "skipped"
            if self.cancelled_at and step.get("name") == self.cancelled_at:
                self.cancelled = True
            elif self._is_wanted(step):
                outputs = self._step(content, job, step, seconds)
                for key, value in outputs.items():
                    self.known[f"steps.{step.get('id')}.outputs.{key}"] = value
        for key, value in {} if self.failed else job.get("outputs", {}).items():
            self.known[f"needs.{name}.outputs.{key}"] = fill(value, self.known)

    def passes(self, content: Mapping[str, Any], name: str, *, seconds: int = 600) -> None:
        """Run a job, which has to pass."""
        self.job(content, name, seconds=seconds)
        assert not self.failed, self.fault

    @property
    def fault(self) -> str:
        """Return the end of what the first step said that failed."""
        name, done = next(pair for pair in self.said.items() if pair[1].returncode)
        return f"{name}:\n{done.stdout[-SHOWN:]}\n{done.stderr[-SHOWN:]}"

    def passed(self, name: str) -> bool:
        """Return whether a step ran and passed."""
        return name in self.said and self.said[name].returncode == 0

    @property
    def summary(self) -> str:
        """Return what the steps wrote for the page of the run."""
        path = self.scratch / "summary"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def _set_up_uv(self, given: dict[str, str]) -> dict[str, str]:
        """Do what the action does with its inputs, as far as the workflows give it any."""
        if "python-version" in given:
            self.variables["UV_PYTHON"] = given["python-version"]
        return {}

    def _is_wanted(self, step: Step) -> bool:
        assert not {"continue-on-error", "shell", "timeout-minutes"} & set(step), step
        if step.get("name") in self.elsewhere:
            return False
        condition = step.get("if", "")
        if (self.failed or self.cancelled) and not STATUS.search(condition):
            return False
        return self._holds(condition)

    def _holds(self, condition: str) -> bool:
        """Return what was given for a condition, or how things have gone if it asks for no more."""
        if not STATUS.search(condition):
            return self.conditions[condition] if condition else True
        gone = {
            "always()": True,
            "cancelled()": self.cancelled,
            "failure()": self.failed and not self.cancelled,
            "success()": not self.failed and not self.cancelled,
        }
        text = re.sub(r"^\$\{\{|\}\}$", "", condition).strip()
        text = STATUS.sub(lambda found: str(gone[found[0]]), text)
        text = re.sub(r"\bsteps\.\w+\.outcome", lambda found: repr(self.known[found[0]]), text)
        for theirs, ours in (("&&", " and "), ("||", " or "), ("!=", "<>"), ("!", " not ")):
            text = text.replace(theirs, ours)
        holds: bool = eval(text.replace("<>", "!=").strip(), {"__builtins__": {}})  # noqa: S307 - ours
        return holds

    def _step(
        self, content: Mapping[str, Any], job: Mapping[str, Any], step: Step, seconds: int
    ) -> dict[str, str]:
        if "uses" in step:
            given = {
                key: fill(str(value), self.known) for key, value in step.get("with", {}).items()
            }
            return self.actions[step["uses"].partition("@")[0]](given)
        asked = {
            name: fill(str(value), self.known)
            for place in (content, job, step)
            for name, value in place.get("env", {}).items()
        }
        assert content.get("defaults") == SHELL
        return self._command(step, asked, seconds)

    def _command(self, step: Step, asked: dict[str, str], seconds: int) -> dict[str, str]:
        output = self.scratch / "output"
        output.write_text("", encoding="utf-8")
        given = {
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.scratch / "summary"),
            "RUNNER_TEMP": str(self.scratch),
        }
        done = subprocess.run(
            [
                "bash",
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                fill(step["run"], self.known),
            ],
            cwd=self.folder / fill(step.get("working-directory", "."), self.known),
            env=environment(**given) | self.variables | asked,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        self.said[step["name"]] = done
        self.known[f"steps.{step.get('id')}.outcome"] = "failure" if done.returncode else "success"
        self.failed = self.failed or done.returncode != 0
        lines = output.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", maxsplit=1) for line in lines)
