"""The closed loop, one turn at a time: monitor, let the policy decide, act, and write down why.

A scheduler calls `tend` once a day. What it does is recorded as events in the prediction log and in
`reports/retrain.json` and `.md`; whatever fails leaves the champion as it was.
"""

from contextlib import closing
from datetime import date, timedelta
from typing import Any

from flight_delay.champion import champion_version
from flight_delay.clock import now
from flight_delay.errors import ProjectError, first_line
from flight_delay.files import write_atomically, write_json
from flight_delay.journal import note
from flight_delay.monitoring.run import run_monitor
from flight_delay.monitoring.window import read_window
from flight_delay.prediction_log import open_log
from flight_delay.probation import Finding, is_due, judge_trial, next_stage
from flight_delay.registry import conclude, rollback
from flight_delay.retraining import retrain
from flight_delay.settings import Settings
from flight_delay.told import as_markdown
from flight_delay.train import Say
from flight_delay.trial import Trial, end_trial, read_trial, write_trial

Report = dict[str, Any]

QUIET: Report = {"result": "nothing", "said": "", "version": None, "gates": [], "why": []}


def tend(settings: Settings, say: Say, *, page: bool = True) -> Report:
    """Monitor, then do what the policy decides, and only that.

    Args:
        settings: of the project.
        say: hears of each long step.
        page: whether the monitor's page is drawn too, which takes longer than to measure.

    Returns:
        The report: `monitor` and `decision` as the monitor gives them; `result` ("nothing",
        "promoted", "refused", "shadow", "canary", "rolled back" or "failed"); `said`, one line,
        empty when nothing was done; `version`, `gates` and `why`; and, after a training, all that
        `retrain` reports.

    Raises:
        ProjectError: when the monitor cannot do its work. What fails after it is a result.
    """
    monitor = run_monitor(settings, say, page=page)
    decision = monitor["decision"]
    try:
        acted = _act(monitor, settings, say)
    except (ProjectError, OSError) as error:
        acted = _failed(decision["action"], decision["reasons"], error)
    return _reported(settings, {"monitor": monitor, "decision": decision, **QUIET, **acted})


def run_retrain(settings: Settings, say: Say) -> Report:
    """Train a challenger whatever the policy says; the report is that of `tend`, undecided.

    Raises:
        ProjectError: when it cannot be trained; that is recorded too, and the champion stays.
    """
    undecided: Report = {"monitor": None, "decision": None, **QUIET}
    why = ["asked for by hand"]
    try:
        return _reported(settings, undecided | _retrain(why, settings, say))
    except (ProjectError, OSError) as error:
        _reported(settings, undecided | _failed("retrain", why, error))
        raise


def _act(monitor: Report, settings: Settings, say: Say) -> Report:
    decision = monitor["decision"]
    if decision["action"] == "rollback":
        return _roll_back(monitor, settings, say)
    trial = _trial(settings)
    if trial is not None:
        today = now(settings.clock_file).date()
        if is_due(trial, today, settings):
            return _try(trial, today, settings, say)
        waits = f"a training is due, and waits for the end of the trial of {trial.version}"
        return {"said": waits} if decision["action"] == "retrain" else {}
    if decision["action"] == "retrain":
        return _retrain(decision["reasons"], settings, say)
    return {}


def _retrain(why: list[str], settings: Settings, say: Say) -> Report:
    try:
        report = retrain(settings, say, now(settings.clock_file).date())
    except (ProjectError, OSError) as error:
        event = {"version": None, "result": "failed", "gates": [], "why": [*why, first_line(error)]}
        note(settings, "retrain", event, say)
        raise
    said = f"{report['version']} {report['result']}: {_decisive(report)}"
    keys = ("version", "result", "gates")
    note(settings, "retrain", {key: report[key] for key in keys} | {"why": why}, say)
    return {**report, "said": said, "why": why}


def _decisive(report: Report) -> str:
    """Return what the gates say in a line: who refused, or how the champion was met."""
    gates = report["gates"]
    telling = [gate for gate in gates if not gate["passed"]] or [
        gate for gate in gates if gate["name"] == "champion"
    ]
    return "; ".join(gate["reason"] for gate in telling)


def _roll_back(monitor: Report, settings: Settings, say: Say) -> Report:
    reasons = monitor["decision"]["reasons"]
    reason = "; ".join(reasons)
    champion = rollback(settings, reason, say, judged=monitor["champion"])
    said = f"rolled back to {champion.version}: {reason}"
    return {"result": "rolled back", "version": champion.version, "said": said, "why": reasons}


def _failed(action: str, why: list[str], error: Exception) -> Report:
    # What is done when the policy decides nothing is to judge a trial.
    what = action if action in {"retrain", "rollback"} else "trial"
    reason = first_line(error)
    return {"result": "failed", "said": f"{what} failed: {reason}", "why": [*why, reason]}


def _trial(settings: Settings) -> Trial | None:
    """Return the trial that is on; one of the champion itself was left behind by a crash."""
    trial = read_trial(settings.models)
    if trial is not None and trial.version == champion_version(settings.models):
        end_trial(settings.models)
        return None
    return trial


def _try(trial: Trial, today: date, settings: Settings, say: Say) -> Report:
    """Judge a stage that is over: go on to the next, crown the challenger, or send it back."""
    say(f"the {trial.stage} of {trial.version} is over: judging it")
    finding = _finding(trial, today, settings)
    following = next_stage(trial.version, trial.stage, today, settings)
    if finding.passed and following:
        write_trial(settings.models, following)
        event = {"version": trial.version, "stage": following.stage, "result": "advanced"}
        note(settings, "trial", event | {"reason": finding.reason}, say)
        result: str = following.stage
    else:
        conclude(settings, trial, finding.reason, passed=finding.passed, say=say)
        result = "promoted" if finding.passed else "refused"
    said = f"{trial.version} {result}: {finding.reason}"
    return {"result": result, "version": trial.version, "said": said, "why": [finding.reason]}


def _finding(trial: Trial, today: date, settings: Settings) -> Finding:
    complete_until = today - timedelta(days=settings.label_delay_days)
    with closing(open_log(settings)) as log:
        rows = read_window(log, trial.since, complete_until)
    return judge_trial(trial, champion_version(settings.models), rows, settings)


def _reported(settings: Settings, report: Report) -> Report:
    write_json(settings.reports / "retrain.json", report)
    write_atomically(settings.reports / "retrain.md", as_markdown(report).encode())
    return report
