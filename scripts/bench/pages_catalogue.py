"""Fills a catalogue that the program has made with thirty days of 64 cameras: footage with gaps, most of it looked at,
events, what the vision model was paid. Rows alone: there are no such files.

Written as SQL over numbers, so that the same choice comes out each time and millions of rows take a minute or two.
"""
import sqlite3

CAMERAS = 64
DAYS = 30
DAY_MS = 86_400_000
# What is younger waits to be looked at.
WAITING_MS = DAY_MS * 3 // 2
PROFILE = "5e" * 32

# A number that looks thrown, of two others, in 0 … 32767.
THROWN = "((({0}) * 7919 + ({1}) * 104729 + (({0}) * ({1})) % 6133) % 32749)"
# Three hours each, of which a few minutes are missing.
BLOCK_MS = 10_800_000

LABELS = ["person", "person", "person", "car", "car", "truck", "bicycle", "dog", "cat", None]
SAYINGS = [
    "a person in a dark coat walks towards the gate and stops in front of it",
    "two people carry a ladder across the yard and lean it against the shed",
    "a white van is parked with its rear doors open, a man unloads parcels",
    "a red car turns in the driveway and leaves again with its lights on",
    "a cyclist passes on the pavement, a dog on a leash runs beside the bicycle",
    "a cat sits on the wall and watches the street",
    "nothing but rain and the light of the street lamp on the wet ground",
]
CAUSES = ["camera unreachable", "stalled", "ended by the camera", "packet loss", "packet loss", "stopped"]


def fill(path, segments, now_ms):
    """Fills it up to `now_ms` with about so many segments."""
    c = sqlite3.connect(path, isolation_level=None)
    c.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;"
                    "PRAGMA temp_store = MEMORY; PRAGMA locking_mode = EXCLUSIVE;")
    steps = max(1, segments // CAMERAS)
    step_ms = DAYS * DAY_MS // steps
    c.execute("CREATE TEMP TABLE step (number INTEGER PRIMARY KEY, at_ms INTEGER)")
    first = now_ms - steps * step_ms
    c.executemany("INSERT INTO step VALUES (?, ?)", ((n, first + n * step_ms) for n in range(steps)))
    c.execute("CREATE TEMP TABLE cam (number INTEGER PRIMARY KEY, id TEXT)")
    c.executemany("INSERT INTO cam VALUES (?, ?)", ((n, camera_id(n)) for n in range(CAMERAS)))
    for table, words in (("label", LABELS), ("saying", SAYINGS), ("cause", CAUSES)):
        c.execute(f"CREATE TEMP TABLE {table} (number INTEGER PRIMARY KEY, word TEXT)")
        c.executemany(f"INSERT INTO {table} VALUES (?, ?)", enumerate(words))
    c.execute("BEGIN")
    for statements in (footage(now_ms, step_ms), gaps(now_ms, first), seen(steps), money(now_ms), holds()):
        for statement in statements:
            c.execute(statement)
    c.execute("COMMIT")
    c.execute("PRAGMA journal_mode = WAL")
    count = c.execute("SELECT (SELECT count(*) FROM segment), (SELECT count(*) FROM event)").fetchone()
    c.close()
    return count


def camera_id(number):
    return f"camera-{number + 1:02}"


def missing(camera, at):
    """Says in SQL whether a camera was not recorded at a time."""
    block, inside = f"{at} / {BLOCK_MS}", f"{at} % {BLOCK_MS}"
    begin = f"{THROWN.format(camera, block)} * 300"
    return f"{inside} >= {begin} AND {inside} < {begin} + {length(camera, block)}"


def length(camera, block):
    return f"(20000 + {THROWN.format(block, camera + ' + 3')} * 8)"


def footage(now_ms, step_ms):
    is_old = f"at_ms < {now_ms - WAITING_MS}"
    thrown = THROWN.format("step.number", "cam.number + 1")
    yield f"INSERT INTO profile VALUES ('{PROFILE}', '{{\"model\": \"bench\"}}')"
    yield f"""
        INSERT INTO segment (id, path, camera, state, start_ms, start_source, duration_ms, size, mtime_ns, inode, reason,
                             added_ms)
        SELECT step.number * {CAMERAS} + cam.number + 1,
               cam.id || CASE WHEN {is_old} AND {thrown} % 1000 > 0 THEN '/processed' WHEN {is_old} THEN '/failed' ELSE '' END
                   || '/segment_' || strftime('%Y%m%d_%H%M%S', at_ms / 1000, 'unixepoch') || '.mp4',
               cam.id, CASE WHEN {is_old} AND {thrown} % 1000 > 0 THEN 'processed' WHEN {is_old} THEN 'failed' ELSE 'ready' END,
               at_ms, 'recorder', {step_ms}, 14000000 + {thrown} * 60, at_ms * 1000000, step.number * {CAMERAS} + cam.number + 1,
               CASE WHEN {is_old} AND {thrown} % 1000 = 0 THEN 'cannot be decoded: no keyframe in it' END,
               at_ms + {step_ms}
        FROM step CROSS JOIN cam WHERE NOT ({missing('cam.number', 'at_ms')})"""
    yield """
        INSERT INTO job (segment_id, state, scope, start_ms, available_ms, attempts, reason)
        SELECT id, CASE state WHEN 'ready' THEN 'queued' WHEN 'failed' THEN 'dead' ELSE 'done' END, '', start_ms, start_ms,
               state <> 'ready', reason FROM segment"""
    # Of each night the backlog was looked at one after the other.
    yield f"""
        INSERT INTO result SELECT id, '{PROFILE}', lower(hex(randomblob(32))),
               '{{"file": "' || path || '", "camera": "' || camera || '", "duration_s": 60.0, "width": 1920, "height": 1080}}',
               start_ms + {DAY_MS}
        FROM segment WHERE state = 'processed'"""
    yield f"""
        INSERT INTO gated SELECT id, '{PROFILE}', start_ms + {DAY_MS}, 60, 2 + id % 7, id % 5 = 0, id % 2003 = 0
        FROM segment WHERE state = 'processed'"""
    yield f"""
        INSERT INTO looked SELECT id, '{PROFILE}', camera, start_ms, start_ms + duration_ms, 2 + id % 7, 30
        FROM segment WHERE state = 'processed'"""


def gaps(now_ms, first_ms):
    camera, block = "cam.number", "block.number"
    begin = f"{block} * {BLOCK_MS} + {THROWN.format(camera, block)} * 300"
    yield f"""
        INSERT INTO gap (camera, from_ms, to_ms, cause)
        WITH RECURSIVE block (number) AS (
            VALUES ({first_ms // BLOCK_MS}) UNION ALL SELECT number + 1 FROM block WHERE number < {now_ms // BLOCK_MS})
        SELECT cam.id, {begin}, {begin} + {length(camera, block)},
               (SELECT word FROM cause WHERE number = {THROWN.format(block, camera)} % {len(CAUSES)})
        FROM block CROSS JOIN cam WHERE {begin} >= {first_ms} AND {begin} + {length(camera, block)} < {now_ms}"""
    yield f"INSERT INTO expected (camera, from_ms) SELECT id, {first_ms} FROM cam"


def seen(steps):
    """About a hundred events for each camera and day."""
    every = max(1, steps // (DAYS * 100))
    thrown = THROWN.format("s.id", "s.id / 64")
    label = f"(SELECT word FROM label WHERE number = {thrown} / 17 % {len(LABELS)})"
    saying = f"(SELECT word FROM saying WHERE number = {thrown} / 11 % {len(SAYINGS)})"
    yield f"""
        INSERT INTO event (id, camera, view, label, start_ms, end_ms, still, peak, segment_id, frame, best_ms, score, area,
                           captions, notable)
        SELECT row_number() OVER (ORDER BY s.id), s.camera, 'whole', {label}, s.start_ms + 5000,
               s.start_ms + 5000 + {thrown} % 40000, 0, 1 + {thrown} % 3, s.id, 150, s.start_ms + 7000, 0.71,
               '[0.4,0.3,0.1,0.4]', json_array({saying}), {thrown} % 50 = 0
        FROM segment s WHERE s.state = 'processed' AND {thrown} % {every} = 0"""
    yield """
        INSERT INTO event_text (rowid, labels, captions, camera, view, tags)
        SELECT id, label, json_extract(captions, '$[0]'), camera, view, 'outdoors' FROM event"""
    yield """
        INSERT INTO sighting (segment_id, view, label, from_ms, to_ms, first, last, seen, area, peak, best_rank, best_frame,
                              best_ms, best_score, best_area, captions, event_id)
        SELECT segment_id, view, label, start_ms, end_ms, 0, 5, 6, area, peak, 0.7, frame, best_ms, score, area, captions, id
        FROM event"""
    yield f"""
        INSERT INTO seen SELECT segment_id, '{PROFILE}', label, 6, peak, 0.71 FROM event WHERE label IS NOT NULL"""
    yield f"""
        INSERT INTO observation (segment_id, profile_id, frame, view_number, view, time_ms, objects, caption)
        SELECT segment_id, '{PROFILE}', frame, 0, view, best_ms, '[]', json_extract(captions, '$[0]') FROM event"""


def money(now_ms):
    """A request for each tenth event, and a batch each day."""
    yield f"""
        INSERT INTO call (request_id, key, cap_day, camera, segment_sha256, model, status, http_status, input_tokens,
                          output_tokens, cost_nanousd, process, begun_ms, ended_ms, counted_tokens, counted_nanousd)
        SELECT 'r' || e.id, 'k' || e.id, strftime('%Y-%m-%d', r.finished_ms / 1000, 'unixepoch'), e.camera, r.sha256, 'gpt-6-luna',
               'answered', 200, 1300, 110, 210000, 'bench', r.finished_ms, r.finished_ms + 1200, 1410, 210000
        FROM event e JOIN result r ON r.segment_id = e.segment_id WHERE e.id % 10 = 0"""
    yield f"""
        INSERT INTO batch (id, state, model, lines, bytes, created_ms, submitted_ms, ended_ms)
        WITH RECURSIVE day (number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM day WHERE number < {DAYS - 1})
        SELECT 'b' || number, CASE number WHEN 0 THEN 'submitted' ELSE 'completed' END, 'gpt-6-luna', 500, 9000000,
               {now_ms} - number * {DAY_MS}, {now_ms} - number * {DAY_MS}, CASE WHEN number > 0 THEN {now_ms} - number * {DAY_MS} END
        FROM day"""


def holds():
    yield """
        INSERT INTO hold (segment_id, reason, since_ms)
        SELECT segment_id, 'asked for by the insurance', end_ms FROM event WHERE id % 5000 = 0"""
    yield """
        INSERT INTO hold (camera, from_ms, to_ms, reason, since_ms)
        SELECT camera, start_ms - 600000, end_ms + 600000, 'asked for by the police', end_ms FROM event WHERE id % 20000 = 7"""
