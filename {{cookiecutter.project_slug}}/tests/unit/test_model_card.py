"""The model card says what the manifest measured and what the contract allows."""

import re
from pathlib import Path

import pytest

from flight_delay import model_card as model_card_module
from flight_delay.bundle import Manifest, read_manifest
from flight_delay.champion import read_champion
from flight_delay.contract import (
    FIELDS,
    LIMITS,
    OUTCOME,
    ROWS,
    SUBJECT,
    TARGET,
    TARGET_DESCRIPTION,
    Numeric,
)
from flight_delay.model_card import model_card
from flight_delay.settings import Settings

from .manifests import difference, rival


def only_of_the_model(manifest: Manifest) -> dict[str, dict[str, float]]:
    """Return the figures of validation that are not about the baseline."""
    figures = manifest.metrics["validation"]
    about = ("baseline_", "advantage_")
    return {name: figure for name, figure in figures.items() if not name.startswith(about)}


@pytest.fixture(scope="module")
def folder(trained: Settings) -> Path:
    """Return the champion's bundle."""
    champion = read_champion(trained.models)
    assert champion is not None
    return trained.models / champion.version


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    """Return the champion's manifest."""
    return read_manifest(folder)


def test_the_stored_card_is_that_of_its_manifest(folder: Path, manifest: Manifest) -> None:
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == model_card(manifest)


def test_the_card_says_what_is_predicted_and_on_what_it_was_fitted(manifest: Manifest) -> None:
    card = " ".join(model_card(manifest).split())
    assert f"the probability that {TARGET_DESCRIPTION}" in card
    assert "Fitted on flights of 2013-01-01 to 2013-03-31." in card
    assert "The threshold was chosen on 2013-03-01 to 2013-03-31" in card
    assert f"for {SUBJECT}." in card
    assert "It has seen 2013-01-01 to 2013-03-31 and no other time" in card
    assert "2013-04" not in card, "what happens after launch is not in it"
    assert f"scikit-learn {manifest.libraries['scikit-learn']}" in card


def test_every_figure_of_the_tables_is_in_the_manifest(manifest: Manifest) -> None:
    card = model_card(manifest)
    tables = re.findall(r"\| (\S+) to \S+ \| model .+\n\|.+\n((?:\|.+\n?)+)", card)
    ((start, table),) = tables
    assert start == manifest.windows["validation"][0]
    names = {"Brier score": "brier", "AUC": "auc", "Calibration error": "calibration_error"}
    lines = table.strip().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines] == list(names)
    for line, metric in zip(lines, names.values(), strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
        for cell, who in zip(cells, ("", "baseline_", "advantage_"), strict=True):
            figure = manifest.metrics["validation"][f"{who}{metric}"]
            numbers = [float(number) for number in re.findall(r"-?\d\.\d+", cell)]
            expected = [figure["estimate"], figure["low"], figure["high"]]
            assert numbers == pytest.approx(expected, abs=0.0005)


def test_the_card_says_threshold_and_what_it_did_on_validation(manifest: Manifest) -> None:
    card = " ".join(model_card(manifest).split())
    found = manifest.metrics["validation"]
    assert f'At or over a probability of {manifest.threshold} the answer is "{TARGET}"' in card
    assert f"flagged {found['flagged']['estimate']:.0%} of {ROWS}" in card
    assert f"caught {found['recall']['estimate']:.0%} of those that {OUTCOME}" in card
    assert f"right in {found['precision']['estimate']:.0%} of its warnings" in card


def test_the_card_moves_with_the_manifest(manifest: Manifest) -> None:
    other = manifest.model_copy(update={"threshold": 0.4242})
    assert model_card(other) != model_card(manifest)
    assert "0.4242" in model_card(other)


def test_the_card_names_its_limits_and_holds_no_version(manifest: Manifest) -> None:
    card = model_card(manifest)
    assert "## Limits" in card
    assert all(f"\n- {limit}\n" in card for limit in LIMITS)
    assert manifest.version not in card
    assert all(field.description in card for field in FIELDS)


def test_a_contract_about_something_else_leaves_no_word_of_flights(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {
        "FIELDS": (Numeric("income", "Yearly income", "EUR", 0, 1e6, 30_000.0),),
        "TARGET": "default",
        "TARGET_DESCRIPTION": "the loan is not paid back",
        "OUTCOME": "defaulted",
        "ROWS": "loans",
        "SUBJECT": "loans of one bank, on the day they are asked for",
        "LIMITS": ("One bank.",),
    }
    for name, value in words.items():
        monkeypatch.setattr(model_card_module, name, value)
    card = model_card(manifest)
    for word in ("flight", "airport", "New York", "aircraft", "hour", "weather", "late"):
        assert not re.search(rf"\b{word}s?\b", card), word
    assert "for\nloans of one bank, on the day they are asked for." in card
    assert "of those that defaulted" in card
    assert card.endswith("\n- One bank.\n")


def test_a_retrained_model_is_held_against_the_champion_of_then(manifest: Manifest) -> None:
    met = rival("0" * 12, difference(-0.0012, -0.002, 0.0005))
    metrics = {"validation": only_of_the_model(manifest)} | {"parity": manifest.metrics["parity"]}
    card = model_card(manifest.model_copy(update={"rival": met, "metrics": metrics}))
    assert "the difference is the model less 000000000000, the champion then," in card
    assert "| 2013-03-01 to 2013-03-31 | model | difference |" in card
    assert "| -0.001 (-0.002 to 0.001) |" in card
    assert "baseline" not in card


def test_a_model_that_met_nobody_is_shown_alone(manifest: Manifest) -> None:
    metrics = {"validation": only_of_the_model(manifest)} | {"parity": manifest.metrics["parity"]}
    card = model_card(manifest.model_copy(update={"metrics": metrics}))
    assert "| 2013-03-01 to 2013-03-31 | model |\n" in card
    assert "intervals over resampled\ndays.\n" in card


def test_the_model_is_what_the_card_claims(manifest: Manifest) -> None:
    validation = manifest.metrics["validation"]
    assert validation["advantage_brier"]["high"] < 0
    assert validation["auc"]["estimate"] == pytest.approx(0.757, abs=0.01)
    assert validation["brier"]["estimate"] == pytest.approx(0.144, abs=0.003)
    assert validation["advantage_auc"]["low"] > 0
