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

    -- a row per session, of 60 days a person, found by the key's index however long the history is
    select
        people.user_id,
        people.first_local_date,
        first_days.first_session_date,
        first_days.third_session_date
    from people
    cross join lateral (
        select
            min(user_days.local_date) as first_session_date,
            (array_agg(user_days.local_date order by user_days.local_date))[3] as third_session_date
        from {{ ref('fct_user_day') }} as user_days
        cross join generate_series(1, least(user_days.workouts_completed, 3)) as sessions_of_day
        where
            user_days.user_id = people.user_id
            and user_days.local_date between people.first_local_date and people.first_local_date + 60
    ) as first_days

)

select * from final
