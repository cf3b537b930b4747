"""The base of every section of the configuration; the room that uses a section owns its model and its defaults."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Immutable, typed options; an unknown key is an error, field docstrings become the JSON Schema's descriptions.

    Numbers are finite: neither `.nan` nor `.inf` bounds anything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
