"""Frames for asyncio."""

import asyncio
import os
import resource
import time

import pytest
from conftest import StartHost

import vas_frames


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
        threads = len(os.listdir("/proc/self/task"))
        cameras = [vas_frames.open(path=host.path) for host in hosts]
        streamed = await asyncio.gather(*map(count, cameras))
        assert len(os.listdir("/proc/self/task")) <= threads + 1
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
        with vas_frames.open(path=host.path, timeout=0.5) as camera, pytest.raises(vas_frames.FrameTimeout):
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


def test_r1_nothing_runs_while_a_stream_waits_for_a_frame(start_host: StartHost) -> None:
    hosts = [start_host(camera=f"camera-{number}") for number in range(3)]
    for host in hosts:
        host.publish()

    async def stream(camera: vas_frames.Camera, ids: list[int]) -> None:
        async for frame in camera.stream():
            ids.append(frame.id)

    async def main() -> None:
        ids: list[int] = []
        cameras = [vas_frames.open(path=host.path, timeout=60) for host in hosts]
        tasks = [asyncio.create_task(stream(camera, ids)) for camera in cameras]
        # Until a writer has been heard, it is looked for at short intervals.
        for count in (3, 6, 9):
            while len(ids) < count:
                await asyncio.sleep(0.01)
            for host in hosts:
                host.publish()
        while len(ids) < 12:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        before = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.sleep(2)
        after = resource.getrusage(resource.RUSAGE_SELF)
        # How often any thread of this process went to sleep: some looks at a writer that may be dead, and no polling.
        assert after.ru_nvcsw - before.ru_nvcsw < 100
        # And yet a frame is there when it comes, and closing ends all.
        asked = time.monotonic()
        hosts[1].publish()
        while len(ids) == 12:
            await asyncio.sleep(0.001)
        assert time.monotonic() - asked < 1
        for camera in cameras:
            camera.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)

    asyncio.run(main())


def test_r1_a_stream_follows_a_restart_of_its_host(start_host: StartHost) -> None:
    host = start_host()
    host.publish(5)

    async def main() -> None:
        with vas_frames.open(path=host.path, timeout=20) as camera:
            stream = camera.stream()
            assert (await anext(stream)).id == 5
            host.kill()
            again = asyncio.get_running_loop().run_in_executor(None, lambda: start_host().publish(2))
            assert (await anext(stream)).id in (1, 2)
            await again

    asyncio.run(main())


# CPython warns of forks of processes with threads from 3.12 on.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_r1_a_stream_works_in_the_child_of_a_fork(start_host: StartHost) -> None:
    host = start_host(fps=50)

    async def first(camera: vas_frames.Camera) -> int:
        async for frame in camera.stream():
            return frame.id
        return 0

    with vas_frames.open(path=host.path, timeout=20) as camera:
        # The thread that waits is there, and not in the child.
        assert asyncio.run(first(camera)) > 0
        child = os.fork()
        if child == 0:
            os._exit(0 if asyncio.run(first(camera)) > 0 and asyncio.run(first(camera)) > 0 else 1)
        assert os.waitpid(child, 0)[1] == 0
