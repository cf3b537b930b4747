"""Where a model's labels point after a push, a promotion or a rollback: pure functions of where they pointed before."""

from collections.abc import Callable, Iterable

from easel_serving.registry import succession
from easel_serving.registry.directory import CANARY, PREVIOUS, STABLE

Labels = dict[str, int]
Loadable = Callable[[int], bool]
"""Whether a version can be loaded: TensorFlow Serving would refuse a label of one that cannot, and all others."""

POLICIES = ("auto", "canary", "provisional", "manual")
"""Of a push: `auto` labels the version `stable`, `canary` labels it `canary` (`stable` when nothing is), `provisional`
labels it `canary` in any case, `manual` labels nothing."""


def pushed(labels: Labels, number: int, policy: str, loadable: Loadable) -> Labels:
    """The labels after a version arrived."""
    if policy == "manual":
        return labels
    on_trial = policy == "provisional" or (policy == "canary" and STABLE in labels)
    return pointed(labels, CANARY if on_trial else STABLE, number, loadable)


def pointed(labels: Labels, label: str, number: int, loadable: Loadable) -> Labels:
    """The labels after one is pointed at a version: the old stable is `previous`, the new one no canary any more."""
    new = {**labels, label: number}
    old = labels.get(STABLE, number)
    if label == STABLE and old != number:
        new.pop(PREVIOUS, None)
        if loadable(old):
            new[PREVIOUS] = old
    if label == STABLE and new.get(CANARY) == number:
        del new[CANARY]
    return new


def rolled_back(labels: Labels, past: list[int], there: Iterable[int], target: int, loadable: Loadable) -> Labels:
    """The labels after a rollback to `target`: what was stable before it becomes `previous`.

    `past` is the succession of stable versions, `there` are the versions that are not retired.
    """
    new = {label: at for label, at in labels.items() if label != PREVIOUS and (label, at) != (CANARY, target)}
    new[STABLE] = target
    further = succession.earlier(succession.rolled_back(past, target))
    previous = next((number for number in further if number in there and loadable(number)), None)
    return new if previous is None else {**new, PREVIOUS: previous}
