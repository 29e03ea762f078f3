"""The steps from raw files to a champion."""
from flight_delay.champion import read_champion
from flight_delay.settings import Settings

def test_x(trained: Settings) -> None:
    champion = read_champion(trained.models)
    assert champion is not None
