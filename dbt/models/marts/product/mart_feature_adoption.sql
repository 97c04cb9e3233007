{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        tags=['leaves_the_team'],
        meta={
            'changed': '_changed_days',
            'changed_key': ["date_trunc('week', local_date::timestamp)::date"],
            'model_key': ['week_start_date']
        }
    )
}}

{# The days of each changed week, spelled out so that an index on dates finds them. #}
{% set changed_dates %}
    (
        select changed_weeks.week_start_date + day_of_week.number
        from (
            select distinct date_trunc('week', local_date::timestamp)::date as week_start_date
            from {{ source('changes', '_changed_days') }}
        ) as changed_weeks
        cross join generate_series(0, 6) as day_of_week (number)
    )
{% endset %}

with active as (

    select
        week_start_date,
        count(*)::bigint as active_people
    from {{ ref('mart_adherence_weekly') }}
    where
        observed_days > 0
        {% if is_incremental() %}
            and week_start_date in {{ changed_dates }}
        {% endif %}
    group by week_start_date

),

uses as (

    select
        date_trunc('week', local_date::timestamp)::date as week_start_date,
        user_id,
        value as feature,
        sum(mentions)::bigint as visits
    from {{ ref('stg_lake__feature_uses') }}
    {% if is_incremental() %}
        where local_date in {{ changed_dates }}
    {% endif %}
    group by
        week_start_date,
        user_id,
        feature
    having sum(mentions) > 0

),

features as (

    select
        week_start_date,
        feature,
        feature in {{ personalised_features() }} as is_personalised,
        count(*)::bigint as people,
        sum(visits)::bigint as visits
    from uses
    group by
        week_start_date,
        feature

),

any_personalised as (

    select
        week_start_date,
        'any_personalised' as feature,
        true as is_personalised,
        count(distinct user_id)::bigint as people,
        sum(visits)::bigint as visits
    from uses
    where feature in {{ personalised_features() }}
    group by week_start_date

),

listed as (

    select * from features
    union all
    select * from any_personalised

),

final as (

    select
        listed.week_start_date,
        listed.feature,
        listed.is_personalised,
        {{ suppress_small('listed.people', 'listed.people') }} as people,
        {{ suppress_small('listed.people', 'listed.visits') }} as visits,
        {{ suppress_small('active.active_people', 'active.active_people') }} as active_people,
        {{ suppress_small('listed.people', 'round(listed.people::numeric / active.active_people, 4)') }}
            as adoption_share,
        {{ suppress_small('listed.people', wilson('listed.people', 'active.active_people', 'low')) }} as adoption_low,
        {{ suppress_small('listed.people', wilson('listed.people', 'active.active_people', 'high')) }} as adoption_high
    from listed
    inner join active on listed.week_start_date = active.week_start_date

)

select * from final
