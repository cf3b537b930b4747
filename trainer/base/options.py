"""The base of every section of the configuration; the room that uses a section owns its model and its defaults."""

import typing
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


class Options(BaseModel):
    """Immutable, typed options; an unknown key is an error, field docstrings become the JSON Schema's descriptions.

    Numbers are finite: neither `.nan` nor `.inf` bounds anything. `true` is none: a slip that would be read as 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if any(isinstance(each, bool) for each in (value if isinstance(value, (list, tuple)) else [value])):
            kinds = set(_kinds(cls.model_fields[info.field_name].annotation))
            if kinds & {int, float} and bool not in kinds:
                raise PydanticCustomError("not_a_number", "should be a number")
        return value


def _kinds(annotation: Any) -> typing.Iterator[Any]:
    """The types that an annotation is made of: `Annotated[float, Gt(0)] | None` -> `float`, `NoneType`."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _kinds(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) is typing.Literal:
        yield from map(type, typing.get_args(annotation))
    elif typing.get_args(annotation):
        for part in typing.get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation
