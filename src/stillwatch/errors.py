"""Every error that Stillwatch raises on purpose.

::

    StillwatchError               anything that a person can mend; its text says what, where, and what to do
    ├── InputError                what was handed in cannot be read as it is (exit code 2)
    │   ├── SourceError           a file or a table of a source is broken or is not what it claims to be
    │   ├── MappingError          a mapping file names columns or kinds that do not exist
    │   └── UnknownTarget         an account, cluster, campaign, run or bundle of that name does not exist
    ├── RefusedChange             a change that the rules of the case file do not allow; nothing was written
    ├── NothingYet                a step before this one has not been done (no data, no run, no labels)
    ├── Busy                      another process holds the lock of this home; try again when it is done
    ├── CheckFailed               a check was carried out and did not pass (exit code 1)
    │   └── BundleInvalid         an evidence bundle does not verify
    └── StoreError                a store on disk is damaged or cannot be reached
"""


class StillwatchError(Exception):
    """Base of all errors that are meant for a person to read."""

    exit_code = 2


class InputError(StillwatchError):
    """What was handed in cannot be read as it is."""


class SourceError(InputError):
    """A file or a table of a source is broken, or is not what it claims to be."""


class MappingError(InputError):
    """A mapping file names columns, tables or kinds that do not exist."""


class UnknownTarget(InputError):
    """An account, cluster, campaign, run or bundle of that name does not exist."""


class RefusedChange(StillwatchError):
    """A change that the rules of the case file do not allow; nothing was written."""


class NothingYet(StillwatchError):
    """A step that has to come first has not been done."""


class Busy(StillwatchError):
    """Another process is writing to this home."""


class CheckFailed(StillwatchError):
    """A check was carried out and did not pass."""

    exit_code = 1


class BundleInvalid(CheckFailed):
    """An evidence bundle does not verify."""


class StoreError(StillwatchError):
    """A store on disk is damaged or cannot be reached."""
