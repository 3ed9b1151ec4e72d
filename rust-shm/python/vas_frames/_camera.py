"""A camera: where its frames are, and the ways to read them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np

from . import _native
from ._errors import FrameError, FrameTimeout
from ._frame import Bytes, Colours, Fields, Frame, Memory, View

T = TypeVar("T")

DEFAULT_BASE_DIR: Final = "/dev/shm/vas"

ANYONE: Final = -1
"""As the `owner` of `open`: frames of whoever made the files."""

Status: TypeAlias = Literal["live", "idle", "hung", "dead", "ended", "replaced", "damaged"]

_LOOKS = 2
_ASK_AGAIN_S = 0.05
_COMES_BACK_S = 1.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """The shape of a camera's frames now; it changes when the host changes it."""

    width: int
    height: int
    stride: int
    slot_count: int
    """How many frames shared memory holds."""
    frame_bytes: int
    """What `out` must have room for."""
    epoch: bytes
    generation: int
    colours: Colours
    """What the numbers of the frames mean."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the writer of a camera is.

    | status | meaning |
    | --- | --- |
    | `live` | frames come |
    | `idle` | the writer's process is well, and no frame came for 2 s |
    | `hung` | the writer's process is there and has not run for 2 s |
    | `dead` | the writer's process is gone |
    | `ended` | the camera was closed |
    | `replaced` | there is a newer ring at the path |
    | `damaged` | the files were cut short |

    None of them is the end for a `Camera`: it goes on when there are frames again.
    """

    status: Status
    heartbeat_age: float
    """Seconds since the writer's process last showed life."""
    frame_age: float | None
    """Seconds since the newest frame was complete; `None` before the first."""
    lag: int
    """Frames that are newer than the last one taken here."""
    refusal: tuple[str, str] | None
    """Code and message of what stood in the way when the path was last opened again."""


class Camera:
    """The frames of one camera. Made by `open`; a context manager and an iterator.

    Nothing is read ahead or queued: each call looks at what is in shared memory then, and takes each frame at most
    once. Every wait has a limit, in seconds, and lets other threads run. A camera may be used by many threads, and
    by the children of a fork; pickled, it is opened again where it arrives.
    """

    __slots__ = ("_native", "_owner", "_path", "_timeout")

    def __init__(self, path: str, timeout: float, owner: int | None) -> None:
        self._native = _native.Camera.open(path, owner)
        self._path = path
        self._owner = owner
        self._timeout = timeout

    def latest(self, timeout: float | None = None, *, out: Memory | None = None) -> Frame | None:
        """Copies the newest frame, if it is newer than the last one taken, and waits for it if it is not.

        `None` when the time is over; `timeout` is the one of `open` unless given, and 0 does not wait. `out` is
        writable contiguous memory of at least `geometry.frame_bytes` bytes that the frame then lives in.
        """
        return self._take(False, timeout, out)

    def read(self, timeout: float | None = None, *, out: Memory | None = None) -> Frame | None:
        """As `latest`, for the oldest frame after the last one taken that is still there."""
        return self._take(True, timeout, out)

    def look(self, look: Callable[[View], T], timeout: float | None = None) -> T | None:
        """Calls `look` with the newest frame in place, without a copy, and returns what it returned.

        `None` when the time is over, or if the writer has overwritten the picture before `look` was done, which it
        does after `slot_count - 2` frames at the earliest; `look` is called twice at most. Until it has returned,
        nothing says that what it sees is one whole frame, so it should only compute.

        Raises `VIEW_ESCAPED` if an array that shares the picture's memory is kept or returned: copy it.
        """
        native = self._own()
        until = time.monotonic() + (limit := self._limit(timeout))
        for _ in range(_LOOKS):
            begun = native.begin_look(limit)
            if begun is None:
                return None
            mapped, fields = begun
            try:
                value = _look_at(mapped, fields, look)
            except Exception:
                # What a torn picture led to is no error.
                if native.end_look(mapped, False):
                    raise
            else:
                if native.end_look(mapped, True):
                    return value
            limit = max(until - time.monotonic(), 0)
        return None

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until there is a frame that was not taken yet. Whether there is."""
        return self._own().wait(self._limit(timeout))

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame, each time; frames that come while nobody asks are missed.

        Ends when this camera is closed, or when its host has closed it and does not open it again within a second:
        iterate again to wait for its return. A crash of the host is no end. Raises `FrameTimeout` when no frame came
        for the `timeout` of `open`.
        """
        patience = _Patience(self)
        try:
            while True:
                frame = self.latest(min(patience.left, _ASK_AGAIN_S))
                if frame is not None:
                    yield frame
                    patience.renew()
                elif patience.is_over():
                    return
        except FrameError as error:
            if error.code != "CLOSED":
                raise

    async def stream(self) -> AsyncIterator[Frame]:
        """As iterating over the camera, without blocking the event loop while waiting.

        The copy itself runs on the event loop: 0.2 ms for 1080p. One thread of the process waits for all cameras and
        wakes their loops; nothing runs while no frame comes.
        """
        patience = _Patience(self)
        try:
            with _Bell(self._own()) as bell:
                while True:
                    frame = self.latest(0)
                    if frame is not None:
                        yield frame
                        patience.renew()
                    elif patience.is_over():
                        return
                    else:
                        await bell.rings(patience.left)
        except FrameError as error:
            if error.code != "CLOSED":
                raise

    def health(self) -> Health:
        """How the writer is now. At most a few system calls, none of which waits."""
        status, heartbeat_age_ns, frame_age_ns, lag, refusal = self._own().health()
        frame_age = None if frame_age_ns is None else frame_age_ns / 1e9
        return Health(status, heartbeat_age_ns / 1e9, frame_age, lag, refusal)

    @property
    def geometry(self) -> Geometry:
        """The shape of the frames that are read now."""
        shape = self._own().shape()
        return Geometry(*shape[:-1], Colours(*shape[-1]))

    @property
    def path(self) -> str:
        """The camera's folder."""
        return self._path

    @property
    def timeout(self) -> float:
        """How long a call waits for a frame where nothing else is said, in seconds."""
        return self._timeout

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._native.is_closed

    def close(self) -> None:
        """Ends every wait and iteration of this camera, in all threads. Frames that were taken stay valid."""
        self._native.close()

    def __enter__(self) -> Camera:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Camera], tuple[str, float, int | None]]:
        return Camera, (self._path, self._timeout, self._owner)

    def __repr__(self) -> str:
        return f"<Camera {self._path}{', closed' if self.is_closed else ''}>"

    def _own(self) -> _native.Camera:
        """What is open, for this process: a thread of the parent may hold the lock of what a fork has copied."""
        if not self._native.is_of_this_process():
            self._native = self._native.renewed()
        return self._native

    def _limit(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else timeout

    def _take(self, in_order: bool, timeout: float | None, out: Memory | None) -> Frame | None:
        native, limit = self._own(), self._limit(timeout)
        if out is not None:
            fields = native.take(in_order, limit, out, False)
            if fields is None or isinstance(fields, int):
                return None
            return Frame(fields, _picture(fields, out))
        until = time.monotonic() + limit
        if not native.wait(limit):
            return None
        size = native.frame_bytes()
        while True:
            memory = np.empty(size, np.uint8)
            taken = native.take(in_order, max(until - time.monotonic(), 0), memory, True)
            if taken is None:
                return None
            if not isinstance(taken, int):
                return Frame(taken, memory)
            size = taken


class _Bell:
    """Rings in the running event loop when a camera has news."""

    def __init__(self, camera: _native.Camera) -> None:
        self._camera = camera
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._news = _native.News(camera)
        self._loop.add_reader(self._news.fileno(), self._ring)

    def __enter__(self) -> _Bell:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._news.fileno())
        self._news.close()

    def _ring(self) -> None:
        self._news.clear()
        self._event.set()

    async def rings(self, seconds: float) -> None:
        """Until there is news, and no longer than `seconds`."""
        self._event.clear()
        self._news.ask(self._camera)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()


class _Patience:
    """How long to go on waiting for the next frame of an iteration."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._former = self._ended()
        self.renew()

    def renew(self) -> None:
        """A frame came."""
        self._until = time.monotonic() + self._camera.timeout
        self._ended_at: float | None = None

    @property
    def left(self) -> float:
        return max(self._until - time.monotonic(), 0)

    def is_over(self) -> bool:
        """Whether the host has closed the camera, some time ago and since the iteration began.

        A start after a crash closes what the crash has left, just before the new ring is there.
        """
        now = time.monotonic()
        ended = self._ended()
        if ended is None or ended == self._former:
            self._ended_at = None
        elif self._ended_at is None:
            self._ended_at = now
        elif now - self._ended_at > _COMES_BACK_S:
            return True
        if now < self._until:
            return False
        camera, health = self._camera, self._camera.health()
        why = f"; {health.refusal[1]}" if health.refusal else ""
        raise FrameTimeout(
            "TIMEOUT",
            f"no frame of {camera.path} in {camera.timeout} s: the camera is {health.status}{why}",
        )

    def _ended(self) -> tuple[bytes, int] | None:
        """Which ring has come to its end because the host closed the camera; `None` if it has not."""
        if self._camera.is_closed or self._camera.health().status != "ended":
            return None
        geometry = self._camera.geometry
        return geometry.epoch, geometry.generation


def open(
    camera: str | None = None,
    *,
    wait: float = 0,
    timeout: float = 10,
    path: str | os.PathLike[str] | None = None,
    base_dir: str | os.PathLike[str] = DEFAULT_BASE_DIR,
    owner: int | str | None = None,
) -> Camera:
    """Opens a camera by its id, or by the `path` of its folder.

    `wait` is how many seconds to wait for an export that is not there yet. `timeout` is how long iterating, and
    reading where nothing else is said, waits for one frame.

    `owner` is the id or the name of the only user whose frames are accepted, or `ANYONE`. Without it they are those of
    this process's user, of root, and of whomever an administrator let have the base folder.

    Raises `FrameError` with the code `BAD_CAMERA_ID`, `SOURCE_NOT_FOUND`, `INCOMPATIBLE_LAYOUT`, `WRONG_OWNER`,
    `PERMISSION_DENIED` or `IO`.
    """
    if path is None:
        if camera is None:
            raise TypeError("open() needs the id of a camera, or path=")
        _native.check_camera_id(camera)
        path = os.path.join(base_dir, camera)
    elif camera is not None:
        raise TypeError("open() takes the id of a camera or path=, not both")
    if isinstance(owner, str):
        owner = pwd.getpwnam(owner).pw_uid
    until = time.monotonic() + wait
    while True:
        try:
            return Camera(os.path.abspath(path), timeout, owner)
        except FrameError as error:
            left = until - time.monotonic()
            if error.code != "SOURCE_NOT_FOUND" or left <= 0:
                raise
        time.sleep(min(left, _ASK_AGAIN_S))


def wait(cameras: Iterable[Camera], timeout: float) -> list[Camera]:
    """Waits until one of the cameras has a frame that was not taken yet: one wait for all of them.

    Those that have; none when the time is over.
    """
    cameras = list(cameras)
    ready = _native.wait([camera._own() for camera in cameras], timeout)  # pyright: ignore[reportPrivateUsage]
    return [cameras[position] for position in ready]


def _picture(fields: Fields, memory: Memory) -> Bytes:
    height, stride = fields[7], fields[8]
    return np.frombuffer(memory, np.uint8, stride * height * 3 // 2)


def _look_at(mapped: memoryview, fields: Fields, look: Callable[[View], T]) -> T:
    view = View(fields, np.frombuffer(mapped, np.uint8))
    try:
        return look(view)
    finally:
        view._bytes = None  # pyright: ignore[reportPrivateUsage]
