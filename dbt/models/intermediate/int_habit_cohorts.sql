{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={
            'changed': '_changed_habit_points',
            'changed_key': ['first_session_date', 'days_since_start'],
            'model_key': ['first_session_date', 'days_since_start']
        }
    )
}}

{% set changed = source('changes', '_changed_habit_points') %}
{% set keys = {'first_session_date': 'first_session_date', 'days_since_start': 'days_since_start'} %}

with points as (

    -- a person who moved west sees the same day twice: as known last
    select distinct on (user_id, first_session_date, days_since_start)
        user_id,
        first_session_date,
        days_since_start,
        strength::numeric as strength,
        habit_score::numeric as habit_score,
        status,
        status_at_66_days
    from {{ ref('stg_lake__habit_points') }}
    where {{ in_changed(changed, keys) }}
    order by
        user_id asc,
        first_session_date asc,
        days_since_start asc,
        batch_date desc

),

final as (

    select
        first_session_date,
        days_since_start,
        count(*)::bigint as people,
        sum(strength) as strength_sum,
        sum(strength * strength) as strength_squares,
        coalesce(sum(habit_score), 0) as habit_score_sum,
        count(*) filter (where status = 'automatic')::bigint as automatic,
        count(*) filter (where status = 'forming')::bigint as forming,
        count(*) filter (where status = 'lapsed')::bigint as lapsed,
        -- Who reached it early would count before those who did not could.
        count(*) filter (where status_at_66_days = 'reached' and days_since_start >= 66)::bigint as reached_by_66_days,
        count(*) filter (
            where status_at_66_days in ('reached', 'missed') and days_since_start >= 66
        )::bigint as known_at_66_days
    from points
    group by
        first_session_date,
        days_since_start

)

select * from final
