"""The `data_gate` section of the configuration."""

from typing import Literal

from pydantic import Field

from trainer.base.options import Options

Action = Literal["stop", "warn", "ignore"]


class GateOptions(Options):
    """What to do about each kind of finding: `stop` the lane, `warn` in the final table, or `ignore` it.

    A lane without a single usable image is always stopped.
    """

    new_class: Action = "stop"
    """A class folder that the schema does not list."""
    missing_class: Action = "stop"
    """A class of the schema without images to train on."""
    similar_classes: Action = "stop"
    """Class folders that differ only in case, blanks or accents' encoding: one class by accident split in two."""
    single_class: Action = "stop"
    """A classifier with only one class to tell apart."""
    lone_image: Action = "stop"
    """A class with a single image, which can be learned or measured, not both."""
    few_images: Action = "warn"
    """A class with fewer than `min_images` images."""
    min_images: int = Field(10, ge=1)
    """Images, train and eval together, that a class should have."""
    blank_images: Action = "stop"
    """Black, white or one-coloured images: brightness or contrast outside the schema's bounds."""
    tiny_images: Action = "warn"
    """Height or width below the schema's bounds."""
    out_of_bounds: Action = "warn"
    """Any other measure of an image outside the schema's bounds, such as the aspect ratio."""
    schema_mismatch: Action = "stop"
    """Anything else that contradicts the schema, such as a feature of another type."""
    empty_eval: Action = "stop"
    """No image is held out for evaluation."""
    missing_in_eval: Action = "warn"
    """A class of which no image is held out for evaluation."""
    label_skew: Action = "warn"
    """A class whose share of the images differs between train and eval by more than `max_label_skew`."""
    max_label_skew: float = Field(0.2, gt=0, le=1)
    """L-infinity distance between the label distributions of train and eval, 0 to 1."""
    measure_skew: Action = "warn"
    """A measure, such as the brightness, that differs between train and eval by more than `max_measure_skew`."""
    max_measure_skew: float = Field(0.12, gt=0, le=1)
    """Jensen-Shannon divergence between a measure's distributions in train and eval, 0 to 1."""
    label_drift: Action = "warn"
    """A class whose share differs by more than `max_label_drift` from the data before or the serving version's."""
    max_label_drift: float = Field(0.2, gt=0, le=1)
    """L-infinity distance between the label distributions of then and now, 0 to 1."""
    measure_drift: Action = "warn"
    """A measure that differs by more than `max_measure_drift` from the data before or the serving version's."""
    max_measure_drift: float = Field(0.12, gt=0, le=1)
    """Jensen-Shannon divergence between a measure's distributions then and now, 0 to 1."""
    rejected: Action = "stop"
    """More than `max_rejected_fraction` of the files could not be used."""
    max_rejected_fraction: float = Field(0.2, ge=0, le=1)
    """Share of rejected files among all that were seen and not ignored; `near_duplicate` is no fault of a file."""
