select
    batch_date,
    event_id,
    user_id,
    event_type,
    event_at,
    event_date,
    fitness_level,
    primary_goal,
    target_sessions_per_week,
    communication_style,
    notifications_allowed,
    time_zone,
    subscription_tier,
    signup_date
from {{ source('lake', 'silver_profiles') }}
