{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_days', 'changed_key': ['user_id'], 'model_key': ['user_id']}
    )
}}

with people as (

    select
        user_id,
        first_local_date
    from {{ ref('dim_user') }}
    where
        is_current
        and first_local_date is not null
        and {{ in_changed(source('changes', '_changed_days'), {'user_id': 'user_id'}) }}

),

final as (

    -- 60 days a person, found by the key's index, however long the history is
    select
        people.user_id,
        people.first_local_date,
        sessions.first_session_date,
        sessions.third_session_date
    from people
    cross join lateral (
        select
            min(counted.local_date) as first_session_date,
            min(counted.local_date) filter (where counted.sessions_so_far >= 3) as third_session_date
        from (
            select
                days.local_date,
                sum(days.workouts_completed) over (order by days.local_date) as sessions_so_far
            from {{ ref('fct_user_day') }} as days
            where
                days.user_id = people.user_id
                and days.local_date between people.first_local_date and people.first_local_date + 60
                and days.workouts_completed > 0
        ) as counted
    ) as sessions

)

select * from final
