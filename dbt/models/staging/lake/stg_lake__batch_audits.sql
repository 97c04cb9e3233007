select
    batch_date,
    _source_file as source_file,
    raw_count,
    accepted_count,
    duplicate_count,
    rejected_count,
    reasons::jsonb as reasons
from {{ source('lake', 'silver_batch_audit') }}
