"""What can go wrong, one class a kind."""


class LoaderError(Exception):
    """Any error of this package."""


class UsageError(LoaderError, ValueError):
    """The options make no sense, or not for these shards."""


class StateError(LoaderError, ValueError):
    """A state is of other shards, another seed or another global batch."""


class MissingError(LoaderError, FileNotFoundError):
    """A file or a folder of shards isn't there."""


class MissingBinary(MissingError):
    """There is no prep-imagenet to start."""


class DamagedError(LoaderError, ValueError):
    """A shard, or a sample of one, is damaged."""


class SharedMemoryError(LoaderError, MemoryError):
    """There is too little shared memory for the batches."""


class VersionError(LoaderError, RuntimeError):
    """The prep-imagenet that was found is of another version than this package."""


class ChildDied(LoaderError, RuntimeError):
    """The loading process has ended by itself, or somebody has killed it."""


KINDS = {"usage": UsageError, "missing": MissingError, "damaged": DamagedError, "memory": SharedMemoryError}
