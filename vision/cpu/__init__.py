"""The CPU backend: GStreamer, OpenCV and ONNX Runtime. The only part of the worker that imports the latter two."""
