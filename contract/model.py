"""The base of every contract type: immutable, and it refuses fields it does not know."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Frozen; unknown fields are errors; numbers must be finite; text is never coerced from other types."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=False,
                              hide_input_in_errors=True)
