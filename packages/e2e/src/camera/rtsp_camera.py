"""A live RTSP camera on loopback: a test picture, H.264, over TCP.

Events go to standard output and commands come from standard input, one per line. It ends with its standard
input, so that it never outlives whoever started it.

    drop            close every client's connection; the camera goes on
    away            close every client's connection and refuse new ones
    back            accept clients again
    size WxH        close every client's connection; from then on the picture has this size
"""

import argparse
import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

MOUNT = "/camera"


class Camera:
    def __init__(self, options):
        self.options = options
        self.size = (options.width, options.height)
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address("127.0.0.1")
        self.server.set_service(str(options.port))
        self.server.connect("client-connected", self.on_client)
        self.back()

    def launch_line(self):
        width, height = self.size
        options = self.options
        return (
            f"( videotestsrc is-live=true pattern={options.pattern}"
            f" ! video/x-raw,format=I420,width={width},height={height},framerate={options.fps}/1"
            f" ! x264enc tune=zerolatency speed-preset=ultrafast bframes=0 bitrate={options.kbits}"
            f" key-int-max={options.key_int}"
            " ! video/x-h264,profile=constrained-baseline"
            " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
        )

    def on_client(self, _server, client):
        emit(event="client-connected")
        client.connect("closed", lambda _client: emit(event="client-closed"))

    def back(self):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(self.launch_line())
        # One encoder, whoever watches.
        factory.set_shared(True)
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
        factory.set_latency(0)
        self.server.get_mount_points().add_factory(MOUNT, factory)

    def drop(self):
        self.server.client_filter(lambda _server, _client: GstRtspServer.RTSPFilterResult.REMOVE)

    def away(self):
        self.server.get_mount_points().remove_factory(MOUNT)
        self.drop()

    def command(self, line):
        words = line.split()
        if words == ["drop"]:
            self.drop()
        elif words == ["away"]:
            self.away()
        elif words == ["back"]:
            self.back()
        elif len(words) == 2 and words[0] == "size":
            width, _, height = words[1].partition("x")
            self.size = (int(width), int(height))
            self.away()
            self.back()
        else:
            emit(event="unknown-command", line=line)
            return
        emit(event="done", command=line)


def emit(**event):
    print(json.dumps(event), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--key-int", type=int, default=25, help="frames from one key frame to the next")
    parser.add_argument("--kbits", type=int, default=2000)
    parser.add_argument("--pattern", default="smpte", help="any pattern of videotestsrc")
    options = parser.parse_args()

    Gst.init(None)
    loop = GLib.MainLoop()
    camera = Camera(options)
    if camera.server.attach(None) == 0:
        sys.exit(f"cannot listen on 127.0.0.1:{options.port}")

    def on_input(_channel, condition):
        line = sys.stdin.readline() if condition & GLib.IOCondition.IN else ""
        if not line:
            loop.quit()
            return False
        camera.command(line.strip())
        return True

    # Unbuffered reads would be needed to take several lines at once; the driver waits for each answer.
    GLib.io_add_watch(0, GLib.IOCondition.IN | GLib.IOCondition.HUP, on_input)
    emit(event="listening", url=f"rtsp://127.0.0.1:{camera.server.get_bound_port()}{MOUNT}")
    loop.run()


if __name__ == "__main__":
    main()
