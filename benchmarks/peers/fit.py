# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator"
"""Refit the champion's recipe with the project's own functions, and store it as the peers want it.

It runs in a generated project's environment and folder, and writes `model.joblib` and an MLflow
model in `mlflow/` into the folder given.
"""

import sys
from pathlib import Path

import joblib
import mlflow
from flight_delay.data import load_table
from flight_delay.model import gradient_boosting
from flight_delay.settings import Settings
from flight_delay.splits import split
from flight_delay.train import fit

folder = Path(sys.argv[1])
settings = Settings()
pipeline = fit(gradient_boosting(settings.seed), split(load_table(settings), settings).history)
joblib.dump(pipeline, folder / "model.joblib")
mlflow.sklearn.save_model(
    pipeline,
    folder / "mlflow",
    pyfunc_predict_fn="predict_proba",
    pip_requirements=["scikit-learn"],
    serialization_format="cloudpickle",
)
