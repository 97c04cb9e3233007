select
    batch_date,
    event_id,
    user_id,
    event_type,
    event_at,
    event_date,
    rating,
    nps,
    weather_temperature,
    weather,
    time_of_day,
    day_of_week,
    stress_level,
    sleep_hours,
    social_context
from {{ source('lake', 'silver_wellbeing') }}
