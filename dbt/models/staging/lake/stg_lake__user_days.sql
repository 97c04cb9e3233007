with source as (

    select * from {{ source('lake', 'gold_user_day') }}

),

renamed as (

    select
        batch_date,
        user_id,
        local_date,
        events,
        workouts_planned,
        workouts_started,
        workouts_completed,
        workouts_skipped,
        partner_sessions,
        duration_s,
        load_au,
        completion_count,
        completion_permille,
        heart_rate_count,
        heart_rate_deci,
        app_visits,
        screen_s,
        barriers,
        skip_reasons,
        motivation_count,
        motivation_permille,
        preparation_count,
        preparation_s,
        sleep_count,
        sleep_s,
        sleep_efficiency_count,
        sleep_efficiency_permille,
        stress_count,
        stress_permille,
        energy_count,
        energy_permille,
        soreness_count,
        soreness_permille,
        mood_count,
        mood_permille,
        hrv_count,
        hrv_deci_ms,
        resting_heart_rate_count,
        resting_heart_rate_deci,
        steps_count,
        steps,
        injuries_started,
        injuries_resolved,
        rating_count,
        rating_permille,
        interventions_delivered,
        interventions_opened,
        interventions_acted
    from source

)

select * from renamed
