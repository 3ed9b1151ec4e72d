/** The system's Python: the one that sees the GObject introspection of the system's GStreamer. */
export const PYTHON = '/usr/bin/python3';
