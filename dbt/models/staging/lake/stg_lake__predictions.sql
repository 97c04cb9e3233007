select
    batch_date,
    user_id,
    model,
    model_version,
    feature_service,
    probability,
    confidence,
    input_quality
from {{ source('lake', 'gold_predictions') }}
