"""A progress bar on a terminal, and above it a picture of what is being made."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Bar(Progress):
    """A bar for one task of `total` things, which goes when it ends.

    Args:
        total: how many there are; of a single one the share that is done is shown.
        screen: where.
        shown: whether there is a bar at all.
    """

    def __init__(self, total: int, screen: Console, shown: bool):
        self._picture: RenderableType | None = None
        count = MofNCompleteColumn() if total > 1 else TaskProgressColumn()
        rate = 10 if total > 1 else 1  # a picture is tens of kilobytes, over a slow line perhaps
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), count, TimeRemainingColumn())
        super().__init__(*columns, console=screen, transient=True, refresh_per_second=rate, disable=not shown)
        self._task = self.add_task(f"{total} photos" if total > 1 else "", total=total)

    def get_renderables(self) -> Iterable[RenderableType]:
        """The picture, where there is one, and the bar."""
        if self._picture is not None:
            yield self._picture
        yield from super().get_renderables()

    def name(self, text: str) -> None:
        """Says what is being worked on."""
        self.update(self._task, description=text)

    def done(self, count: float) -> None:
        """How many are done; a fraction of one, too."""
        self.update(self._task, completed=count)

    def picture(self, picture: RenderableType | None) -> None:
        """Puts a picture in the place of the one before; without a bar it is printed."""
        if self.disable and picture is not None:
            self.console.print(picture)
        self._picture = picture

    def keep_picture(self) -> None:
        """Leaves the picture on the terminal, above all that follows."""
        picture, self._picture = self._picture, None
        if picture is not None and not self.disable:
            self.console.print(picture)
