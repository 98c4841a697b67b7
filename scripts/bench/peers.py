"""Takes every 30th frame of a file with a library that one would use instead of nightreel.

usage: peers.py LIBRARY FILE

Prints how many frames it got. Runs in the environment that process.py makes; each library as its own pages say,
with its own defaults for threads.
"""
import sys

EVERY = 30


def opencv_read(file):
    import cv2
    capture, number, samples = cv2.VideoCapture(file), 0, 0
    while True:
        there, _frame = capture.read()
        if not there:
            return samples
        samples += number % EVERY == 0
        number += 1


def opencv_grab(file):
    import cv2
    capture, number, samples = cv2.VideoCapture(file), 0, 0
    while capture.grab():
        if number % EVERY == 0:
            samples += capture.retrieve()[0]
        number += 1
    return samples


def pyav(file):
    import av
    samples = 0
    with av.open(file) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % EVERY == 0:
                samples += len(frame.to_ndarray(format="bgr24")) > 0
    return samples


def pyav_seek(file):
    import av
    samples = 0
    with av.open(file) as container:
        stream = container.streams.video[0]
        step = round(EVERY / stream.average_rate / stream.time_base)
        wanted = stream.start_time or 0
        for _ in range(0, stream.frames, EVERY):
            container.seek(wanted, stream=stream)
            frame = next((frame for frame in container.decode(stream) if frame.pts >= wanted), None)
            if frame is not None:
                samples += len(frame.to_ndarray(format="bgr24")) > 0
            wanted += step
    return samples


def decord(file):
    import decord as library
    reader = library.VideoReader(file, num_threads=1)
    return sum(len(reader[number].asnumpy()) > 0 for number in range(0, len(reader), EVERY))


def video_reader(file):
    from video_reader import PyVideoReader
    reader = PyVideoReader(file, threads=1)
    return len(reader.get_batch(list(range(0, reader.get_shape()[0], EVERY))))


LIBRARIES = {
    "opencv-read": opencv_read,
    "opencv-grab": opencv_grab,
    "pyav": pyav,
    "pyav-seek": pyav_seek,
    "decord": decord,
    "video-reader-rs": video_reader,
}

if __name__ == "__main__":
    print(LIBRARIES[sys.argv[1]](sys.argv[2]))
