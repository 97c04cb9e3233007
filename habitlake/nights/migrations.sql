CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.nights (
    batch_date date PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('running', 'failed', 'done')),
    fingerprint text NOT NULL,
    link text NOT NULL,
    models jsonb,
    challengers jsonb,
    manifest jsonb NOT NULL,
    failed_task text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz
);
DO $$ BEGIN
    -- Asked first: ALTER TABLE would wait for everybody who reads, each time.
    IF NOT EXISTS (
        SELECT FROM information_schema.columns
        WHERE table_schema = 'ops' AND table_name = 'nights' AND column_name = 'challengers'
    ) THEN
        ALTER TABLE ops.nights ADD COLUMN challengers jsonb;
    END IF;
END $$;
COMMENT ON TABLE ops.nights IS 'One row per night: what it read (fingerprint, link), its manifest, how it ended';
COMMENT ON COLUMN ops.nights.models IS 'Model versions that scored the night; null until it was scored. Reruns use them';
COMMENT ON COLUMN ops.nights.challengers IS 'Versions that scored the night in shadow; null until then. Reruns use them';
