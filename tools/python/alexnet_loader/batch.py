"""The batches that a loader yields."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator

from .normalise import add_colours

if TYPE_CHECKING:
    from .loader import Loader


class Batch:
    """A batch: `x, y = batch` gives pictures and labels.

    x is `images`, uint8; with colour noise it is `images` plus `colours`, float32 in 0-255 units. `normalise` does this addition
    on the GPU: give it `images` and `colours`.

    The arrays are views of memory shared with the loading process, and stay valid as long as they are referred to. If a
    program keeps more than `hold` batches, later ones are copies.
    """

    def __init__(self, images: Any, colours: Any, labels: Any, samples: Any, *, epoch: int, step: int, filled: int, noise: bool, loader: Loader):
        self.images = images
        """(N, H, W, 3) uint8, or (N, 3, H, W) with layout="NCHW"."""
        self.colours = colours
        """(N, 3) float32 in 0-255 units, to be added to every pixel; 0 without noise."""
        self.labels = labels
        """(N,) int64 (int32 in JAX), -1 in padded rows."""
        self.samples = samples
        """(N,) int64 (int32 in JAX): numbers of the samples in the shards, -1 in padded rows."""
        self.epoch, self.step = epoch, step
        self.filled = filled
        """The number of rows before the padded ones."""
        self._noise, self._loader = noise, loader

    def names(self) -> list[str]:
        """The paths of the batch's pictures in their source, without padded rows."""
        return self._loader.names([int(i) for i in self.samples[:self.filled]])

    def to(self, *args: Any, **kwargs: Any) -> Batch:
        """The batch on another device (PyTorch); the arguments are those of `Tensor.to`."""
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
