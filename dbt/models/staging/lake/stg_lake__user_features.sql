with source as (

    select * from {{ source('lake', 'gold_user_features') }}

),

renamed as (

    select
        batch_date,
        user_id,
        event_timestamp,
        created_timestamp,
        time_zone,
        as_of_date,
        first_local_date,
        workout_frequency_7d,
        workout_frequency_30d,
        sessions_7d,
        sessions_28d,
        active_days_28d,
        observed_days_28d,
        days_since_last_session,
        days_since_first_event,
        streak_length_current,
        streak_length_longest,
        completion_rate_30d,
        completion_rate_trend,
        planned_7d,
        planned_next_7d,
        skip_rate_30d,
        habitual_weekly_sessions,
        goal_progress_rate,
        sleep_hours_7d,
        sleep_debt_hours,
        sleep_quality_trend,
        stress_level,
        stress_level_trend,
        energy_level,
        motivation_level,
        hrv_7d,
        resting_heart_rate_7d,
        steps_7d,
        load_7d,
        load_28d,
        app_minutes_7d,
        preparation_time_avg,
        barrier_frequency,
        partner_share_30d,
        injured,
        interventions_7d
    from source

)

select * from renamed
