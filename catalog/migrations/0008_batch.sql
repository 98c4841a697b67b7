-- Questions that are answered by batches of the provider. Invariants: docs/storage.md.

CREATE TABLE batch (
    -- Ours, written before anything is sent, and told to the provider in the batch's metadata.
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('intended', 'uploaded', 'submitted', 'completed', 'failed', 'expired',
                                         'cancelled')),
    model TEXT NOT NULL,
    lines INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    provider_id TEXT,
    -- In the provider's words.
    provider_state TEXT,
    input_file TEXT,
    -- When a person asked for its end.
    cancel_ms INTEGER,
    error TEXT,
    created_ms INTEGER NOT NULL,
    submitted_ms INTEGER,
    ended_ms INTEGER
) STRICT;
CREATE INDEX batch_state ON batch (state, created_ms);

-- What is to be asked by a batch. Its row goes when it is answered: the answer is in `answer`.
CREATE TABLE question (
    key TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('gathered', 'asked', 'refused')),
    -- While it is asked: the batch, and its row in the ledger, by which the provider names its answer.
    batch_id TEXT REFERENCES batch (id),
    request_id TEXT UNIQUE,
    camera TEXT,
    segment_sha256 TEXT NOT NULL,
    model TEXT NOT NULL,
    bound_input_tokens INTEGER NOT NULL,
    bound_output_tokens INTEGER NOT NULL,
    -- Where the body of the request lies.
    spool TEXT NOT NULL,
    spool_offset INTEGER NOT NULL,
    spool_length INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    unreadable INTEGER NOT NULL DEFAULT 0,
    gathered_ms INTEGER NOT NULL,
    available_ms INTEGER NOT NULL,
    -- Why it was asked in vain.
    reason TEXT
) STRICT;
CREATE INDEX question_state ON question (state, available_ms);
CREATE INDEX question_batch ON question (batch_id) WHERE batch_id IS NOT NULL;

-- Which segments need which answers.
CREATE TABLE awaited (
    segment_id INTEGER NOT NULL REFERENCES segment (id),
    key TEXT NOT NULL,
    PRIMARY KEY (segment_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX awaited_key ON awaited (key);

-- A segment that was looked at and waits for its answers: no lease holds it, and nobody may lease it meanwhile.
CREATE TABLE submission (
    segment_id INTEGER PRIMARY KEY REFERENCES segment (id),
    since_ms INTEGER NOT NULL,
    -- What was seen, with the places of the answers.
    draft TEXT NOT NULL
) STRICT;
