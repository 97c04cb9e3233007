{{ config(materialized='view') }}

with final as (

    select
        facts.user_id,
        facts.local_date,
        facts.known_on,
        facts.events,
        facts.workouts_planned,
        facts.workouts_started,
        facts.workouts_completed,
        facts.workouts_skipped,
        facts.partner_sessions,
        facts.workout_minutes,
        facts.training_load,
        facts.completion_rate,
        facts.app_visits,
        facts.screen_minutes,
        facts.barriers,
        facts.motivation_level,
        facts.sleep_hours,
        facts.stress_level,
        facts.energy_level,
        facts.mood_level,
        facts.hrv_ms,
        facts.resting_heart_rate,
        facts.steps,
        facts.injuries_started,
        facts.interventions_delivered,
        facts.interventions_opened,
        facts.interventions_acted,
        dates.day_name,
        dates.is_weekend,
        dates.week_start_date,
        people.cohort_week,
        people.fitness_level,
        people.primary_goal,
        people.subscription_tier,
        people.time_zone
    from {{ ref('fct_user_day') }} as facts
    inner join {{ ref('dim_date') }} as dates on facts.local_date = dates.date_day
    left join {{ ref('dim_user') }} as people
        on
            facts.user_id = people.user_id
            and facts.local_date >= people.valid_from
            and facts.local_date < coalesce(people.valid_to, 'infinity'::date)

)

select * from final
