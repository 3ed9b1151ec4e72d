"""The error of this package and its codes."""

from typing import Final, Literal, TypeAlias

ErrorCode: TypeAlias = Literal[
    "BAD_CAMERA_ID",
    "CLOSED",
    "DESTINATION_TOO_SMALL",
    "INCOMPATIBLE_LAYOUT",
    "IO",
    "NO_DESCRIPTORS",
    "NO_SPACE",
    "PERMISSION_DENIED",
    "SOURCE_NOT_FOUND",
    "TIMEOUT",
    "UNKNOWN_COLOURS",
    "VIEW_ESCAPED",
    "WRONG_OWNER",
]


class FrameError(Exception):
    """Something cannot be done, and nothing has changed. `code` is stable; the message is for people.

    | code | meaning |
    | --- | --- |
    | `BAD_CAMERA_ID` | not 1 to 64 characters of `A-Z a-z 0-9 . _ -`, or it begins with a dot |
    | `CLOSED` | `close` was called on this camera |
    | `DESTINATION_TOO_SMALL` | `out` is smaller than the picture, or than its RGB form |
    | `INCOMPATIBLE_LAYOUT` | the files are no frame ring, or one of another layout |
    | `IO` | another error of the operating system; the message names it |
    | `NO_DESCRIPTORS` | this process, or the system, has too many open files |
    | `NO_SPACE` | the file system has no room for what was asked |
    | `PERMISSION_DENIED` | the operating system refused |
    | `SOURCE_NOT_FOUND` | there is no export at the path |
    | `TIMEOUT` | no frame came in time (`FrameTimeout`) |
    | `UNKNOWN_COLOURS` | the ring does not say what its colours mean, and neither does the caller |
    | `VIEW_ESCAPED` | the function given to `look` kept an array of the view |
    | `WRONG_OWNER` | the export belongs to a user whose frames are not accepted |
    """

    code: Final[ErrorCode]

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


class FrameTimeout(FrameError, TimeoutError):
    """No frame came in time while a camera was iterated over. Its code is `TIMEOUT`."""
