"""What the recorders are measured on: fake cameras, and the two recorders."""
import os
import shutil
import subprocess
import sys

from measure import CACHE, REPOSITORY, say

# What moves and the noise on it make an encoder use the whole bitrate.
PICTURE = "testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t"
CLIP_S = 60
FRAMES_PER_S = 25


def clip():
    """Returns a minute of 1080p25 H.264 with 2 Mbit/s, a keyframe each 2 s, and AAC; made at the first call."""
    path = os.path.join(CACHE, "camera.mkv")
    if os.path.exists(path):
        return path
    os.makedirs(CACHE, exist_ok=True)
    say("making the clip that the cameras play, once")
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-y",
         "-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", "anoisesrc=amplitude=0.1:sample_rate=48000",
         "-t", str(CLIP_S), "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
         "-b:v", "2M", "-minrate", "2M", "-maxrate", "2M", "-bufsize", "2M",
         "-g", "50", "-bf", "0", "-sc_threshold", "0",
         "-c:a", "aac", "-b:a", "64k", "-ac", "1", "-f", "matroska", f"{path}.part"],
        check=True)
    os.rename(f"{path}.part", path)
    return path


def clip_mbit_s():
    return os.path.getsize(clip()) * 8 / 1e6 / CLIP_S


def play(processes, count, port=0):
    """Starts so many cameras, at any free port, and returns their addresses."""
    script = os.path.join(REPOSITORY, "scripts", "fake_camera.py")
    command = ["/usr/bin/python3", script, clip(), "--paths", str(count), "--port", str(port), "--audio", "aac"]
    camera = processes.start(command, stdout=subprocess.PIPE, text=True)
    ready = camera.stdout.readline().split()
    if len(ready) != 2:
        sys.exit("the fake cameras did not start; see scripts/setup.sh demo")
    paths = ["cam", *(f"cam{number}" for number in range(2, count + 1))]
    return [f"rtsp://127.0.0.1:{ready[1]}/{path}" for path in paths]


def ffmpeg_apart():
    """Returns the command of an ffmpeg whose libraries are copies. The fake cameras feed themselves by ffmpeg
    too: as many processes would share its pages, and the recorders' share would look half as large."""
    folder = os.path.join(CACHE, "ffmpeg")
    program = shutil.which("ffmpeg")
    if not os.path.exists(folder):
        os.makedirs(f"{folder}.part", exist_ok=True)
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        libraries = [line.split()[2] for line in listed.splitlines() if "=> /" in line]
        # glibc belongs to its loader, and is everybody's
        for library in libraries:
            if not os.path.basename(library).startswith(("libc.", "libm.", "libpthread.", "libdl.", "librt.")):
                shutil.copy(library, f"{folder}.part/")
        shutil.copy(program, f"{folder}.part/ffmpeg")
        os.rename(f"{folder}.part", folder)
    return [os.path.join(folder, "ffmpeg")], {**os.environ, "LD_LIBRARY_PATH": folder}


def start_ffmpeg(processes, urls, folder):
    """Starts one recorder per camera, as one would without nightreel."""
    command, environment = ffmpeg_apart()
    started = []
    for number, url in enumerate(urls):
        camera = os.path.join(folder, f"cam{number:02}")
        os.makedirs(camera)
        with open(f"{camera}.log", "w") as log:
            started.append(processes.start(
                [*command, "-nostdin", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp", "-i", url,
                 "-c", "copy", "-f", "segment", "-segment_time", "60", "-strftime", "1",
                 f"{camera}/%Y%m%d_%H%M%S.mp4"], env=environment, stderr=log))
    return started


def start_nightreel(processes, program, urls, folder):
    """Starts one recorder for all cameras. The program may be a command that runs it."""
    command = [program] if isinstance(program, str) else program
    os.makedirs(folder)
    config = os.path.join(folder, "nightreel.toml")
    with open(config, "w") as file:
        file.write(f'[storage]\nroot = "{folder}/media"\n')
        for number, url in enumerate(urls):
            file.write(f'\n[[camera]]\nid = "cam{number:02}"\nurl = "{url}"\n')
    with open(os.path.join(folder, "log"), "w") as log:
        return [processes.start([*command, "--config", config, "record"], stdout=log, stderr=log)]
