"""Outcomes and probabilities to measure, drawn or made up."""

import numpy as np
from hypothesis import strategies as st

from flight_delay.evaluate import Scored


def made(outcome: list[int], probability: list[float], day: list[int]) -> Scored:
    """Return rows of the given values."""
    return Scored(np.array(outcome, float), np.array(probability), np.array(day, np.int64))


def random_rows(days: int, rows_a_day: int, seed: int) -> Scored:
    """Return rows whose days differ in how late they are, as real days do."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rows_a_day)
    mood = random.normal(0, 1, days)[day]
    probability = 1 / (1 + np.exp(1.3 - 0.5 * mood - random.normal(0, 1, len(day))))
    outcome = random.random(len(day)) < 1 / (1 + np.exp(1.3 - mood))
    return Scored(outcome.astype(float), probability, day)


@st.composite
def drawn_rows(draw: st.DrawFn) -> Scored:
    """Draw rows of both outcomes over one to four days, with many ties in the probability."""
    size = draw(st.integers(4, 40))
    levels = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
    outcome = draw(st.lists(st.integers(0, 1), min_size=size - 2, max_size=size - 2))
    probability = draw(st.lists(levels, min_size=size, max_size=size))
    days = draw(st.integers(1, 4))
    # Days are numbered from 0 without a gap, as `scored` numbers them.
    day = [number % days for number in range(size)]
    return made([0, 1, *outcome], probability, draw(st.permutations(day)))
