# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator"
"""The usual tutorial: FastAPI, joblib, pandas and a scikit-learn pipeline, in a sync handler.

It runs in a generated project's environment and validates the same body as the project's service,
so that the two do the same work.
"""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from flight_delay.service.schemas import Instance

app = FastAPI()
model = joblib.load(os.environ["MODEL_FILE"])


@app.get("/health")
def health() -> dict[str, str]:
    """Answer once the model is loaded."""
    return {"status": "ok"}


@app.post("/predict")
def predict(flight: Instance) -> dict[str, float]:
    """Return the probability of a late departure."""
    frame = pd.DataFrame([flight.model_dump()])
    return {"probability": float(model.predict_proba(frame)[0, 1])}
