{{ config(materialized='view') }}

with final as (

    select
        days.user_id,
        days.local_date,
        days.known_on,
        days.events,
        days.workouts_planned,
        days.workouts_started,
        days.workouts_completed,
        days.workouts_skipped,
        days.partner_sessions,
        days.workout_minutes,
        days.training_load,
        days.completion_rate,
        days.app_visits,
        days.screen_minutes,
        days.barriers,
        days.motivation_level,
        days.sleep_hours,
        days.stress_level,
        days.energy_level,
        days.mood_level,
        days.hrv_ms,
        days.resting_heart_rate,
        days.steps,
        days.injuries_started,
        days.interventions_delivered,
        days.interventions_opened,
        days.interventions_acted,
        dates.day_name,
        dates.is_weekend,
        dates.week_start_date,
        people.cohort_week,
        people.fitness_level,
        people.primary_goal,
        people.subscription_tier,
        people.time_zone
    from {{ ref('fct_user_day') }} as days
    inner join {{ ref('dim_date') }} as dates on days.local_date = dates.date_day
    left join {{ ref('dim_user') }} as people
        on
            days.user_id = people.user_id
            and days.local_date >= people.valid_from
            and days.local_date < coalesce(people.valid_to, 'infinity'::date)

)

select * from final
