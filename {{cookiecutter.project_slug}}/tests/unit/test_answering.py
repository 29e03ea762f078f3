"""Whatever goes wrong on the way to MLflow is one line that names the server and no password."""

import errno

import pytest
from mlflow.exceptions import MlflowException

from flight_delay.settings import Settings
from flight_delay.tracking import TrackingError, answering

SERVER = Settings(tracking_uri="http://bob:hunter2@127.0.0.1:9")


@pytest.mark.parametrize(
    "error", [MlflowException("it is full\nsee the log"), ConnectionError("it is full")]
)
def test_what_mlflow_or_the_way_to_it_says_is_told_in_a_line(error: Exception) -> None:
    with pytest.raises(TrackingError) as caught, answering(SERVER):
        raise error
    assert str(caught.value) == "MLflow at http://127.0.0.1:9 does not answer: it is full"


def test_what_this_machine_says_is_not_blamed_on_mlflow() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left") as caught, answering(SERVER):
        raise full
    assert caught.value is full


def test_what_is_already_a_line_passes() -> None:
    line = TrackingError("as it was")
    with pytest.raises(TrackingError) as caught, answering(SERVER):
        raise line
    assert caught.value is line
