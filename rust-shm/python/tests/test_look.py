"""Looking at a frame in place."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from conftest import StartHost

import vas_frames


def test_r1_a_look_returns_what_the_function_made_of_the_newest_frame(start_host: StartHost) -> None:
    host = start_host()
    host.publish(2)
    with vas_frames.open(path=host.path) as camera:

        def look(view: vas_frames.View) -> tuple[int, int, float]:
            assert not view.y.flags.writeable
            assert view.y.shape == (48, 64)
            return view.id, view.missed, float(view.y[:, 4:64].mean())

        seen = camera.look(look, 0)
        assert seen is not None
        assert seen[0] == 2
        assert seen[2] == 2.0
        assert camera.look(look, 0) is None
        host.publish(3)
        seen = camera.look(look, 0)
        assert seen is not None
        assert seen[:2] == (5, 2)


def test_p2_4_a_look_that_was_overtaken_returns_nothing_and_is_called_twice_at_most(
    start_host: StartHost,
) -> None:
    host = start_host(slots=3)
    host.publish()
    calls: list[int] = []

    def look(view: vas_frames.View) -> int:
        calls.append(view.id)
        host.publish(3)
        return view.id

    with vas_frames.open(path=host.path) as camera:
        assert camera.look(look, 10) is None
        assert calls == [1, 4]
        # It was not taken.
        frame = camera.latest(0)
        assert frame is not None
        assert frame.id == 7


KEPT: list[object] = []


@pytest.mark.parametrize(
    "keep",
    [
        lambda view: view.y,
        lambda view: view.nv12[5:],
        lambda view: memoryview(view.uv),
        lambda view: {"deep": [np.asarray(view.y).reshape(-1)[::2]]},
        lambda view: KEPT.append(view.uv[0]),
        lambda view: np.from_dlpack(view.y),
    ],
)
def test_r4_a_view_that_outlives_its_look_is_an_error(
    start_host: StartHost, keep: Callable[[vas_frames.View], object]
) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        with pytest.raises(vas_frames.FrameError) as error:
            camera.look(keep, 0)
        assert error.value.code == "VIEW_ESCAPED"
        KEPT.clear()
        host.publish()
        copied = camera.look(lambda view: view.y.copy(), 0)
        assert copied is not None
        assert copied[0, 4] == 2


def test_r4_a_view_is_closed_when_its_look_is_over(start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    views: list[vas_frames.View] = []
    with vas_frames.open(path=host.path) as camera:
        camera.look(views.append, 0)
    assert views[0].id == 1
    with pytest.raises(ValueError, match="over"):
        _ = views[0].y


def test_r1_what_a_look_raises_is_raised(start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        with pytest.raises(ZeroDivisionError):
            camera.look(lambda view: view.id // 0, 0)
        assert camera.latest(0) is not None


def test_r1_a_look_may_use_the_camera_and_other_threads_may_too(start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path) as camera:

        def look(view: vas_frames.View) -> str:
            thread = threading.Thread(target=camera.latest, args=(0,))
            thread.start()
            thread.join(10)
            assert not thread.is_alive()
            return camera.health().status

        assert camera.look(look, 0) == "live"
