select
    batch_date,
    user_id,
    local_date,
    kind,
    value,
    mentions
from {{ source('lake', 'gold_user_day_category') }}
