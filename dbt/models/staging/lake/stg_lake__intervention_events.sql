select
    batch_date,
    event_id,
    user_id,
    event_type,
    event_at,
    event_date,
    decision_id,
    channel,
    response_time_s,
    rating,
    outcome,
    _source_file as source_file
from {{ source('lake', 'silver_intervention_events') }}
