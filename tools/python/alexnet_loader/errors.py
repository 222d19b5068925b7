"""The errors of this package."""


class LoaderError(Exception):
    """Any error of this package."""


class UsageError(LoaderError, ValueError):
    """An option is wrong in itself or for these shards."""


class StateError(LoaderError, ValueError):
    """A state belongs to other shards, another seed or another global batch."""


class MissingError(LoaderError, FileNotFoundError):
    """A file or a folder of shards isn't there."""


class MissingBinary(MissingError):
    """There is no prep-imagenet to start."""


class DamagedError(LoaderError, ValueError):
    """A shard, or a sample of one, is damaged."""


class SharedMemoryError(LoaderError, MemoryError):
    """There is too little shared memory for the batches."""


class VersionError(LoaderError, RuntimeError):
    """prep-imagenet and this package are of different releases."""


class ChildDied(LoaderError, RuntimeError):
    """The loading process has ended or was killed."""


KINDS = {"usage": UsageError, "missing": MissingError, "damaged": DamagedError, "memory": SharedMemoryError}
