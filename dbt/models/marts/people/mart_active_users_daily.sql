{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        tags=['leaves_the_team'],
        meta={'changed': 'int_changed_active_dates', 'changed_key': ['local_date'], 'model_key': ['local_date']}
    )
}}

{% set changed = ref('int_changed_active_dates') %}

with active_days as (

    select
        user_id,
        local_date,
        lead(local_date) over (partition by user_id order by local_date) as next_active_date
    from {{ ref('fct_user_day') }}
    where
        events > 0
        {% if is_incremental() %}
            and local_date >= (select min(dates.local_date) - 29 from {{ changed }} as dates)
        {% endif %}

),

-- an active day counts for 7 and for 30 days, or until the person's next one: one more on that date, one less after
changes as (

    select
        local_date,
        1 as daily_change,
        1 as weekly_change,
        1 as monthly_change
    from active_days
    union all
    select
        local_date + 1 as local_date,
        -1 as daily_change,
        0 as weekly_change,
        0 as monthly_change
    from active_days
    union all
    select
        least(local_date + 7, next_active_date) as local_date,
        0 as daily_change,
        -1 as weekly_change,
        0 as monthly_change
    from active_days
    union all
    select
        least(local_date + 30, next_active_date) as local_date,
        0 as daily_change,
        0 as weekly_change,
        -1 as monthly_change
    from active_days

),

counts as (

    select
        local_date,
        sum(sum(daily_change)) over (order by local_date)::bigint as daily_active,
        sum(sum(weekly_change)) over (order by local_date)::bigint as weekly_active,
        sum(sum(monthly_change)) over (order by local_date)::bigint as monthly_active
    from changes
    group by local_date

),

final as (

    select
        local_date,
        {{ suppress_small('daily_active', 'daily_active') }} as daily_active,
        {{ suppress_small('weekly_active', 'weekly_active') }} as weekly_active,
        {{ suppress_small('monthly_active', 'monthly_active') }} as monthly_active,
        {{ suppress_small('daily_active', 'round(daily_active::numeric / monthly_active, 4)') }} as stickiness
    from counts
    where
        daily_active > 0
        and {{ in_changed(changed, {'local_date': 'local_date'}) }}

)

select * from final
