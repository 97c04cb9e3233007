select
    table_name,
    batch_date,
    row_count,
    exported_at
from {{ source('exports', '_exports') }}
