{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        indexes=[{'columns': ['week_start_date']}],
        meta={
            'changed': '_changed_days',
            'changed_key': ['user_id', "date_trunc('week', local_date::timestamp)::date"],
            'model_key': ['user_id', 'week_start_date']
        }
    )
}}

{% set changed = source('changes', '_changed_days') %}

with days as (

    select
        *,
        date_trunc('week', local_date::timestamp)::date as week_start_date
    from {{ ref('fct_user_day') }}

),

weeks as (

    select
        user_id,
        week_start_date,
        sum(workouts_planned)::bigint as workouts_planned,
        sum(workouts_completed)::bigint as workouts_completed,
        sum(workouts_skipped)::bigint as workouts_skipped,
        round(sum(workout_minutes), 1) as workout_minutes,
        round(sum(training_load), 3) as training_load,
        count(*) filter (where workouts_completed > 0)::bigint as active_days,
        count(*) filter (where events > 0)::bigint as observed_days
    from days
    {% if is_incremental() %}
        -- the seven days of each changed week, spelled out so that the key's index finds them
        where
            (user_id, local_date) in (
                select
                    changed_weeks.user_id,
                    changed_weeks.week_start_date + day_of_week.number as local_date
                from (
                    select distinct
                        user_id,
                        date_trunc('week', local_date::timestamp)::date as week_start_date
                    from {{ changed }}
                ) as changed_weeks
                cross join generate_series(0, 6) as day_of_week (number)
            )
    {% endif %}
    group by
        user_id,
        week_start_date

),

final as (

    select
        user_id,
        week_start_date,
        to_char(week_start_date, 'IYYY-"W"IW') as iso_week,
        workouts_planned,
        workouts_completed,
        workouts_skipped,
        workout_minutes,
        training_load,
        active_days,
        observed_days,
        case
            when workouts_planned > 0 then round(least(workouts_completed::numeric / workouts_planned, 1), 3)
        end as adherence_rate,
        case when workouts_planned > 0 then workouts_completed >= 0.8 * workouts_planned end as is_adherent
    from weeks

)

select * from final
