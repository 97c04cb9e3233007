-- One night's decisions into the queue, from the temporary table incoming (rows with send = false: keys alone).
-- A row that a client has taken is history. An older night never changes what a newer one decided.
WITH withdrawn AS (
    UPDATE queue.interventions AS q
    SET status = 'withdrawn', withdrawn_by = i.batch_date, updated_at = now()
    FROM incoming AS i
    WHERE
        NOT i.send
        AND q.user_id = i.user_id AND q.local_date = i.local_date
        AND q.status = 'pending' AND q.batch_date <= i.batch_date
    RETURNING 1
),

orphaned AS (
    -- The night was decided again and no longer decides on this person and date.
    UPDATE queue.interventions AS q
    SET status = 'withdrawn', withdrawn_by = q.batch_date, updated_at = now()
    WHERE
        q.status = 'pending' AND q.batch_date = %(night)s
        AND NOT EXISTS (SELECT 1 FROM incoming AS i WHERE i.user_id = q.user_id AND i.local_date = q.local_date)
    RETURNING 1
),

published AS (
    INSERT INTO queue.interventions AS q (
        decision_id, user_id, local_date, channel, action, intervention, message, payload, send_at, expires_at,
        probability, policy_version, model, model_version, batch_date, horizon
    )
    SELECT
        decision_id, user_id, local_date, channel, action, intervention, message, payload::jsonb, send_at, expires_at,
        probability, policy_version, model, model_version, batch_date, horizon
    FROM incoming
    WHERE send
    ON CONFLICT (user_id, local_date) DO UPDATE
    SET
        decision_id = excluded.decision_id, channel = excluded.channel, action = excluded.action,
        intervention = excluded.intervention, message = excluded.message, payload = excluded.payload,
        send_at = excluded.send_at, expires_at = excluded.expires_at, probability = excluded.probability,
        policy_version = excluded.policy_version, model = excluded.model, model_version = excluded.model_version,
        batch_date = excluded.batch_date, horizon = excluded.horizon,
        status = 'pending', withdrawn_by = NULL, updated_at = now()
    WHERE
        q.status IN ('pending', 'withdrawn')
        AND coalesce(q.withdrawn_by, q.batch_date) <= excluded.batch_date
        AND (
            q.status, q.decision_id, q.channel, q.action, q.intervention, q.message, q.payload, q.send_at,
            q.expires_at, q.probability, q.policy_version, q.model, q.model_version, q.horizon
        ) IS DISTINCT FROM (
            'pending', excluded.decision_id, excluded.channel, excluded.action, excluded.intervention, excluded.message,
            excluded.payload, excluded.send_at, excluded.expires_at, excluded.probability, excluded.policy_version,
            excluded.model, excluded.model_version, excluded.horizon
        )
    RETURNING (q.xmax = 0) AS inserted
)

SELECT
    (SELECT count(*) FROM withdrawn) + (SELECT count(*) FROM orphaned) AS withdrawn,
    (SELECT count(*) FROM published WHERE inserted) AS inserted,
    (SELECT count(*) FROM published WHERE NOT inserted) AS replaced;
