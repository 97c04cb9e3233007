{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        on_schema_change='fail',
        unique_key=['user_id', 'local_date'],
        indexes=[{'columns': ['user_id', 'local_date']}, {'columns': ['local_date']}]
    )
}}

with entries as (

    select * from {{ ref('stg_lake__user_days') }}

),

-- a late event adds to an old day: every day that a changed night touches is summed again over all nights
touched as (

    select distinct
        user_id,
        local_date
    from entries
    where {{ in_changed_nights('batch_date') }}

),

days as (

    select
        entries.user_id,
        entries.local_date,
        sum(entries.events)::bigint as events,
        sum(entries.workouts_planned)::bigint as workouts_planned,
        sum(entries.workouts_completed)::bigint as workouts_completed,
        sum(entries.workouts_skipped)::bigint as workouts_skipped,
        round(sum(entries.duration_s) / 60.0, 1) as workout_minutes,
        round(sum(entries.completion_permille) / 1000.0 / nullif(sum(entries.completion_count), 0), 3) as completion_rate,
        round(sum(entries.sleep_s) / 3600.0 / nullif(sum(entries.sleep_count), 0), 2) as sleep_hours,
        round(sum(entries.stress_permille) / 1000.0 / nullif(sum(entries.stress_count), 0), 2) as stress_level,
        sum(entries.app_visits)::bigint as app_visits,
        case when sum(entries.steps_count) > 0 then sum(entries.steps)::bigint end as steps
    from entries
    inner join touched
        on
            entries.user_id = touched.user_id
            and entries.local_date = touched.local_date
    group by
        entries.user_id,
        entries.local_date

),

final as (

    select * from days

)

select * from final
