select
    batch_date,
    gate,
    table_name,
    expectation,
    severity,
    success,
    observed,
    unexpected_count,
    row_count,
    sample
from {{ source('lake', 'ops_gate_results') }}
