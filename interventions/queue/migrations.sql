CREATE SCHEMA IF NOT EXISTS queue;
CREATE TABLE IF NOT EXISTS queue.interventions (
    decision_id text PRIMARY KEY,
    user_id text NOT NULL,
    local_date date NOT NULL,
    channel text NOT NULL,
    action text NOT NULL,
    message text NOT NULL,
    payload jsonb NOT NULL,
    probability double precision NOT NULL,
    send_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    horizon integer NOT NULL,
    batch_date date NOT NULL,
    policy_version text NOT NULL,
    model text,
    model_version text,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'claimed', 'acked', 'dead', 'withdrawn')),
    attempts integer NOT NULL DEFAULT 0,
    claimed_by text,
    lease_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS interventions_to_claim ON queue.interventions (send_at) WHERE status IN ('pending', 'claimed');
CREATE INDEX IF NOT EXISTS interventions_by_person ON queue.interventions (user_id, local_date);
COMMENT ON TABLE queue.interventions IS 'Decisions to carry out; one live row per person and local date';
