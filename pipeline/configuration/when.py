"""The section `when` of the configuration: what is a reason to train."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from trainer.base.options import Options


class WhenOptions(Options):
    """Reasons to train a model; any one of them is enough, and so is that no version serves yet.

    Without this section every run may train, and the cache sees to it that nothing is trained twice.
    """

    new_images: int | None = Field(default=None, ge=1)
    """Train when at least this many files of its folders have contents that it was not trained on."""
    drift: bool = False
    """Train when `data_gate` finds that the data have drifted; to know it, every run reads and validates the data."""
    older_than: Annotated[str, Field(pattern=r"^[1-9]\d*[hdw]$")] | None = None
    """Train when the version that serves is older than this: hours, days or weeks, such as `30d`."""
    always: bool = False
    """Train in every run."""

    @field_validator("always", mode="before")
    @classmethod
    def _named_is_meant(cls, value: object) -> object:
        return True if value is None else value  # `when: {always}` is YAML for a key without a value

    @model_validator(mode="after")
    def _names_a_reason(self) -> "WhenOptions":
        if not (self.new_images or self.drift or self.older_than or self.always):
            raise ValueError("names no reason to train: give new_images, drift, older_than or always")
        return self
