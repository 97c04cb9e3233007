select
    batch_date,
    status as night_status,
    failed_task,
    started_at,
    finished_at
from {{ source('ops', 'nights') }}
