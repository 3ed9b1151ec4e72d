"""Frames for asyncio."""

import asyncio
import threading

import pytest

import vas_frames

from conftest import StartHost


def test_r1_streams_many_cameras_on_one_event_loop(start_host: StartHost) -> None:
    hosts = [start_host(camera=f"camera-{number}", fps=50) for number in range(3)]

    async def count(camera: vas_frames.Camera) -> list[int]:
        ids: list[int] = []
        async for frame in camera.stream():
            ids.append(frame.id)
            if len(ids) == 5:
                break
        return ids

    async def main() -> list[list[int]]:
        threads = threading.active_count()
        cameras = [vas_frames.open(path=host.path) for host in hosts]
        streamed = await asyncio.gather(*map(count, cameras))
        assert threading.active_count() <= threads + 1
        for camera in cameras:
            camera.close()
        return streamed

    for ids in asyncio.run(main()):
        assert ids == sorted(set(ids))


def test_r1_the_event_loop_runs_while_a_stream_waits(start_host: StartHost) -> None:
    host = start_host()

    async def main() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        other = asyncio.create_task(turn())
        with vas_frames.open(path=host.path, timeout=0.5) as camera:
            with pytest.raises(vas_frames.FrameTimeout):
                async for _ in camera.stream():
                    pass
        other.cancel()
        return turns

    assert asyncio.run(main()) > 10


def test_r1_a_stream_can_be_cancelled_and_ends_with_its_camera(start_host: StartHost) -> None:
    host = start_host()
    host.publish()

    async def main() -> None:
        with vas_frames.open(path=host.path, timeout=60) as camera:
            stream = camera.stream()
            assert (await anext(stream)).id == 1
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(stream), 0.1)
            stream = camera.stream()
            closing = asyncio.get_running_loop().call_later(0.1, camera.close)
            assert [frame async for frame in stream] == []
            closing.cancel()

    asyncio.run(asyncio.wait_for(main(), 20))
