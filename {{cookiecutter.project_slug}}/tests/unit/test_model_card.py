"""The model card says what the manifest measured and what the contract allows."""

import re
from pathlib import Path

import pytest

from flight_delay.bundle import Manifest, read_manifest
from flight_delay.champion import read_champion
from flight_delay.contract import FIELDS, TARGET_DESCRIPTION
from flight_delay.model_card import model_card
from flight_delay.settings import Settings


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
    assert "2013-04-01 to 2013-04-30 was measured once and chose nothing." in card
    assert f"scikit-learn {manifest.libraries['scikit-learn']}" in card


def test_every_figure_of_the_tables_is_in_the_manifest(manifest: Manifest) -> None:
    card = model_card(manifest)
    tables = re.findall(r"\| (\S+) to \S+ \| model .+\n\|.+\n((?:\|.+\n?)+)", card)
    starts = [manifest.windows[window][0] for window in ("validation", "launch")]
    assert [start for start, _ in tables] == starts
    names = {"Brier score": "brier", "AUC": "auc", "Calibration error": "calibration_error"}
    for window, (_, table) in zip(("validation", "launch"), tables, strict=True):
        lines = table.strip().splitlines()
        assert [line.split(" | ")[0].strip("| ") for line in lines] == list(names)
        for line, metric in zip(lines, names.values(), strict=True):
            cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
            for cell, who in zip(cells, ("", "baseline_", "advantage_"), strict=True):
                figure = manifest.metrics[window][f"{who}{metric}"]
                numbers = [float(number) for number in re.findall(r"-?\d\.\d+", cell)]
                expected = [figure["estimate"], figure["low"], figure["high"]]
                assert numbers == pytest.approx(expected, abs=0.0005)


def test_the_card_says_threshold_and_what_it_did_after_launch(manifest: Manifest) -> None:
    card = " ".join(model_card(manifest).split())
    launch = manifest.metrics["launch"]
    assert f"At or over a probability of {manifest.threshold} the answer is" in card
    assert f"flagged {launch['flagged']['estimate']:.0%} of flights" in card
    assert f"caught {launch['recall']['estimate']:.0%} of the late ones" in card
    assert f"right in {launch['precision']['estimate']:.0%} of its warnings" in card


def test_the_card_moves_with_the_manifest(manifest: Manifest) -> None:
    other = manifest.model_copy(update={"threshold": 0.4242})
    assert model_card(other) != model_card(manifest)
    assert "0.4242" in model_card(other)


def test_the_card_names_its_limits_and_holds_no_version(manifest: Manifest) -> None:
    card = model_card(manifest)
    assert "## Limits" in card
    assert "Not meant for decisions about safety or people." in card
    assert manifest.version not in card
    assert all(field.description in card for field in FIELDS)


def test_the_model_is_what_the_card_claims(manifest: Manifest) -> None:
    validation, launch = manifest.metrics["validation"], manifest.metrics["launch"]
    assert validation["advantage_brier"]["high"] < 0
    assert launch["auc"]["estimate"] == pytest.approx(0.76, abs=0.015)
    assert launch["brier"]["estimate"] == pytest.approx(0.143, abs=0.003)
    assert launch["advantage_auc"]["low"] > 0
