"""What a loader yields."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator

from .normalise import add_colours

if TYPE_CHECKING:
    from .loader import Loader


class Batch:
    """A batch: `x, y = batch` gives pictures and labels.

    x is `images`, bytes; with colour noise it is float32 in 0-255 units, `images` plus `colours`. To do that on the GPU, as
    `normalise` does, take `images` and `colours` themselves.

    Arrays are views of memory that is shared with the loading process. They stay valid for as long as they are referred
    to; whoever keeps many gets copies from then on.
    """

    def __init__(self, images: Any, colours: Any, labels: Any, samples: Any, *, epoch: int, step: int, filled: int, noise: bool, loader: Loader):
        self.images = images
        """(N, H, W, 3) uint8, or (N, 3, H, W) with layout="NCHW"."""
        self.colours = colours
        """(N, 3) float32 in 0-255 units, to be added to every pixel; 0 without noise."""
        self.labels = labels
        """(N,) int64 (int32 in JAX), -1 in rows that are padding."""
        self.samples = samples
        """(N,) int64 (int32 in JAX): numbers of the samples in the shards, -1 in rows that are padding."""
        self.epoch, self.step = epoch, step
        self.filled = filled
        """How many rows, the first ones, are no padding."""
        self._noise, self._loader = noise, loader

    def names(self) -> list[str]:
        """The pictures' paths in their source, of the rows that aren't padding."""
        return self._loader.names([int(i) for i in self.samples[:self.filled]])

    def to(self, *args: Any, **kwargs: Any) -> Batch:
        """The batch on another device (PyTorch): its tensors' own `to`."""
        moved = [t.to(*args, **kwargs) for t in (self.images, self.colours, self.labels, self.samples)]
        return Batch(*moved, epoch=self.epoch, step=self.step, filled=self.filled, noise=self._noise, loader=self._loader)

    def __iter__(self) -> Iterator[Any]:
        yield add_colours(self.images, self.colours, self._loader.layout) if self._noise else self.images
        yield self.labels

    def __getitem__(self, i: int) -> Any:
        return tuple(self)[i]

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return f"Batch(epoch={self.epoch}, step={self.step}, images={tuple(self.images.shape)}, filled={self.filled})"
