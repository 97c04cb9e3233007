-- The queue of decisions to send. One row per user and local date: the newest night's decision, or what a client did.
CREATE SCHEMA IF NOT EXISTS queue;

-- A draft of this table had no versioned migrations; its rows come back from gold.decisions with the next publish.
DROP TABLE IF EXISTS queue.interventions;

CREATE TABLE queue.interventions (
    decision_id text PRIMARY KEY,
    user_id text NOT NULL,
    local_date date NOT NULL,
    channel text NOT NULL,
    action text NOT NULL,
    message text NOT NULL,
    payload jsonb NOT NULL,
    send_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    probability double precision NOT NULL CHECK (probability > 0 AND probability < 1),
    policy_version text NOT NULL,
    model text,
    model_version text,
    batch_date date NOT NULL,
    horizon integer NOT NULL CHECK (horizon BETWEEN 0 AND 2),
    status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'claimed', 'acked', 'failed', 'withdrawn', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    claimed_by text,
    last_error text,
    withdrawn_by date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (expires_at > send_at),
    CHECK (status <> 'claimed' OR lease_until IS NOT NULL)
);

CREATE UNIQUE INDEX interventions_user_date ON queue.interventions (user_id, local_date);

-- Claiming reads the open rows that expire first; rows that are done leave these indexes.
CREATE INDEX interventions_open ON queue.interventions (expires_at, decision_id)
WHERE status IN ('pending', 'claimed', 'failed');

-- The next day's decisions are handed out ahead; the fallback days between them are not even looked at.
CREATE INDEX interventions_open_ahead ON queue.interventions (send_at, decision_id)
WHERE status IN ('pending', 'claimed', 'failed') AND horizon = 0;

CREATE INDEX interventions_leased ON queue.interventions (lease_until)
WHERE status = 'claimed';

CREATE INDEX interventions_batch ON queue.interventions (batch_date);

-- Which nights were published, and what was sent where.
CREATE TABLE queue.publications (
    batch_date date PRIMARY KEY,
    decisions bigint NOT NULL,
    sha256 text NOT NULL,
    sqs_sha256 text,
    published_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE queue.interventions IS 'one row per user and local date: the decision to send and its state';
COMMENT ON COLUMN queue.interventions.withdrawn_by IS 'night whose decision not to send withdrew the row';
COMMENT ON COLUMN queue.interventions.attempts IS 'how often the row was handed out';
