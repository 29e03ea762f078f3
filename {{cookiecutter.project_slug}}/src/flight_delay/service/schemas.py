"""Requests and answers, derived from the contract."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from flight_delay.contract import FIELDS, Categorical, Numeric, example
from flight_delay.contract import Field as ContractField


def _annotation(field: ContractField) -> Any:  # noqa: ANN401 - a type is made here
    kind: Any
    match field:
        case Numeric():
            kind = Annotated[
                float,
                Field(ge=field.minimum, le=field.maximum, allow_inf_nan=False, strict=True),
            ]
        case Categorical(categories=()):
            kind = Annotated[str, Field(pattern=field.pattern)]
        case Categorical():
            kind = Literal[field.categories]
    return kind | None if field.nullable else kind


def _description(field: ContractField) -> str:
    unit = f", in {field.unit}" if isinstance(field, Numeric) else ""
    return f"{field.description}{unit}"


def _fields() -> dict[str, Any]:
    return {
        field.name: (
            _annotation(field),
            Field(description=_description(field), examples=[field.example]),
        )
        for field in FIELDS
    }


def bounded(fields: int) -> Any:  # noqa: ANN401 - what a model takes for a validator
    """Return a validator that refuses an object with far more keys than fields as a whole.

    An error for each of 100,000 keys would take a second.
    """

    def check(value: Any) -> Any:  # noqa: ANN401 - what the client sent
        if isinstance(value, dict) and len(value) > 2 * fields:
            message = f"there are {fields} fields, and this one has {len(value):,}"
            raise ValueError(message)
        return value

    return model_validator(mode="before")(check)


Instance = create_model(
    "Instance",
    __doc__="One row of the data contract. Every field must be there; a null is written as null.",
    __config__=ConfigDict(extra="forbid", json_schema_extra={"examples": [dict(example())]}),
    __validators__={"bounded": bounded(len(FIELDS))},
    **_fields(),
)


class Prediction(BaseModel):
    """The answer for one row."""

    request_id: str
    probability: float = Field(ge=0, le=1)
    prediction: bool


class SinglePrediction(Prediction):
    """The answer for one row and the version that gave it."""

    # Pydantic reserves the prefix "model_" for itself unless told otherwise.
    model_config = ConfigDict(protected_namespaces=())

    model_version: str


class BatchPrediction(BaseModel):
    """The answers for a batch, in its order, all from one version."""

    model_config = ConfigDict(protected_namespaces=())

    model_version: str
    predictions: list[Prediction]


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    field: str
    value: Any = None
    rule: str


class Problem(BaseModel):
    """A problem document, RFC 9457; `errors` names the fields at fault."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


class Health(BaseModel):
    """Whether the service lives or is ready; a warning when an older champion answers."""

    status: Literal["ok"]
    version: str | None = Field(
        default=None, description="The version that answers, with a warning"
    )
    warning: str | None = Field(default=None, description="Why the champion is not what answers")
