"""The models: gradient boosting, and the logistic baseline that it must beat.

Which pipelines survive the conversion to ONNX is not obvious: gradient boosting behind ordinal
codes on float32 numbers does; scikit-learn's native `categorical_features` converts without a
word and answers wrongly. The gate in `export.py` is what decides.
"""

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from flight_delay.contract import categorical_fields, numeric_fields
from flight_delay.encoding import Arrays, encode

UNSEEN = -1
"""Ordinal code of a category that training never saw."""
MANY_ROWS = 100_000
"""From here on the recipe for few rows learns too little, and neither finer steps nor more help."""


def gradient_boosting(seed: int, rows: int = 0) -> Pipeline:
    """Return the model that is shipped, unfitted; nulls and unseen categories are its business.

    Args:
        seed: of everything random in it.
        rows: how many it will be fitted on, which decides how much it may learn.
    """
    columns = ColumnTransformer(
        [
            ("numeric", "passthrough", _numeric()),
            (
                "categorical",
                OrdinalEncoder(
                    handle_unknown="use_encoded_value", unknown_value=UNSEEN, dtype=np.float32
                ),
                _categorical(),
            ),
        ]
    )
    many = rows >= MANY_ROWS
    trees = HistGradientBoostingClassifier(
        learning_rate=0.065 if many else 0.05,
        max_iter=150 if many else 100,
        max_features=0.3,
        min_samples_leaf=300,
        random_state=seed,
    )
    return Pipeline([("columns", columns), ("classifier", trees)])


def logistic_baseline(seed: int) -> Pipeline:
    """Return the baseline, unfitted: what a careful person would try first."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    columns = ColumnTransformer(
        [
            ("numeric", numbers, _numeric()),
            ("categorical", OneHotEncoder(handle_unknown="ignore"), _categorical()),
        ]
    )
    classifier = LogisticRegression(max_iter=300, random_state=seed)
    return Pipeline([("columns", columns), ("classifier", classifier)])


def as_frame(arrays: Arrays) -> pl.DataFrame:
    """Return encoded columns as the frame that the pipelines take, one column a field."""
    text = dict.fromkeys(_categorical(), pl.String)
    return pl.DataFrame(
        {name: pl.Series(values[:, 0], dtype=text.get(name)) for name, values in arrays.items()}
    )


def as_arrays(table: pl.DataFrame) -> Arrays:
    """Encode the rows of a validated table; see `encode`."""
    # Numbers as arrays, so that the encoding need not go through them one by one.
    numbers = {name: table[name].to_numpy() for name in _numeric()}
    return encode(numbers | {name: table[name] for name in _categorical()})


def inputs(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a validated table as the pipelines take them."""
    return as_frame(as_arrays(table))


def _numeric() -> list[str]:
    return [field.name for field in numeric_fields()]


def _categorical() -> list[str]:
    return [field.name for field in categorical_fields()]
