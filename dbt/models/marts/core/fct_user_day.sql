{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        indexes=[{'columns': ['local_date']}],
        meta={
            'changed': '_changed_days',
            'changed_key': ['user_id', 'local_date'],
            'model_key': ['user_id', 'local_date']
        }
    )
}}

{% set changed = source('changes', '_changed_days') %}

with entries as (

    -- a late event adds to an old day: every changed day is summed again over all nights
    select * from {{ ref('stg_lake__user_days') }}
    where {{ in_changed(changed, {'user_id': 'user_id', 'local_date': 'local_date'}) }}

),

days as (

    select
        user_id,
        local_date,
        max(batch_date) as known_on,
        sum(events)::bigint as events,
        sum(workouts_planned)::bigint as workouts_planned,
        sum(workouts_started)::bigint as workouts_started,
        sum(workouts_completed)::bigint as workouts_completed,
        sum(workouts_skipped)::bigint as workouts_skipped,
        sum(partner_sessions)::bigint as partner_sessions,
        round(sum(duration_s) / 60.0, 1) as workout_minutes,
        round(sum(load_au) / 1000.0, 3) as training_load,
        round(sum(completion_permille) / 1000.0 / nullif(sum(completion_count), 0), 3) as completion_rate,
        sum(app_visits)::bigint as app_visits,
        round(sum(screen_s) / 60.0, 1) as screen_minutes,
        sum(barriers)::bigint as barriers,
        round(sum(motivation_permille) / 1000.0 / nullif(sum(motivation_count), 0), 2) as motivation_level,
        round(sum(sleep_s) / 3600.0 / nullif(sum(sleep_count), 0), 2) as sleep_hours,
        round(sum(stress_permille) / 1000.0 / nullif(sum(stress_count), 0), 2) as stress_level,
        round(sum(energy_permille) / 1000.0 / nullif(sum(energy_count), 0), 2) as energy_level,
        round(sum(mood_permille) / 1000.0 / nullif(sum(mood_count), 0), 2) as mood_level,
        round(sum(hrv_deci_ms) / 10.0 / nullif(sum(hrv_count), 0), 1) as hrv_ms,
        round(sum(resting_heart_rate_deci) / 10.0 / nullif(sum(resting_heart_rate_count), 0), 1) as resting_heart_rate,
        case when sum(steps_count) > 0 then sum(steps)::bigint end as steps,
        sum(injuries_started)::bigint as injuries_started,
        sum(interventions_delivered)::bigint as interventions_delivered,
        sum(interventions_opened)::bigint as interventions_opened,
        sum(interventions_acted)::bigint as interventions_acted
    from entries
    group by
        user_id,
        local_date

)

select * from days
