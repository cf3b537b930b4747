"""What a training starts from: the version that serves, the network that ships with Easel, or nothing."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from easel_serving import shipped
from easel_serving.protocol.errors import ServingError

from trainer.base.errors import UserError
from trainer.networks.served import fits, restore
from trainer.style import options
from trainer.style.export.signatures import ServedStyle
from trainer.style.networks import weights_file
from trainer.style.networks.networks import Networks
from trainer.training.champions import Champion


class Start(NamedTuple):
    """What was started from."""

    kind: Literal["champion", "shipped", "scratch"]
    title: str
    """`style version 3`; `scratch` from nothing."""
    codes: Mapping[str, Sequence[float]]
    """The paintings that it knows, by name."""
    why: str = ""
    """Why it is none of those that `auto` would rather have."""

    @property
    def warm(self) -> bool:
        """Whether it is a network that paints."""
        return self.kind != "scratch"


def begin(asked: options.Start, champion: Champion | None, networks: Networks) -> Start:
    """Gives networks the weights that are started from; from scratch they stay as they are.

    Args:
        asked: `style.train.start`.
        champion: the version that serves, if one does.
        networks: built; the transformer as `style.network` describes it.

    Raises:
        UserError: the one that is asked for is of another shape, or what ships with Easel is damaged.
    """
    passed_over = []
    if champion and asked in ("auto", "champion"):
        if _restored(champion, networks):
            return Start("champion", champion.title, champion.codes)
        passed_over.append(_refused(asked, "champion", champion.title))
    if asked != "scratch":
        try:
            version = shipped.version()
        except ServingError as error:
            raise UserError(f"style.train.start: {error}, or set it to scratch") from error
        if weights_file.restore(version.manifest_dir / shipped.WEIGHTS, **networks._asdict()):
            return Start("shipped", version.title, version.codes)
        passed_over.append(_refused(asked, "shipped", version.title))
    return Start("scratch", "scratch", {}, "; ".join(passed_over))


def _refused(asked: options.Start, kind: str, title: str) -> str:
    """Why a network is passed over; raises a UserError when it was asked for."""
    why = f"{title} is another network than style.network describes"
    if asked == kind:
        raise UserError(f"style.train.start: {why}; leave style.network out, or start from scratch")
    return why


def _restored(champion: Champion, networks: Networks) -> bool:
    """All three networks, or none."""
    places = (ServedStyle.TRANSFORMER, ServedStyle.FEATURES, ServedStyle.HEAD)
    parts = [(champion.saved_model, place, model) for place, model in zip(places, networks, strict=True)]
    return all(fits(*part) for part in parts) and all(restore(*part) for part in parts)
