"""Shards of prep-imagenet for PyTorch, JAX and numpy: see docs/python.md."""
from .batch import Batch
from .dataset import Dataset
from .errors import (ChildDied, DamagedError, LoaderError, MissingBinary, MissingError, SharedMemoryError, StateError,
                     UsageError, VersionError)
from .loader import Loader
from .normalise import HALF, IMAGENET, Normalisation, normalise

__version__ = "0.1.0"
__all__ = ["Batch", "ChildDied", "DamagedError", "Dataset", "HALF", "IMAGENET", "Loader", "LoaderError", "MissingBinary",
           "MissingError", "Normalisation", "SharedMemoryError", "StateError", "UsageError", "VersionError", "normalise"]
