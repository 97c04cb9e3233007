{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        tags=['leaves_the_team'],
        meta={'changed': 'int_changed_weeks', 'changed_key': ['week_start_date'], 'model_key': ['week_start_date']}
    )
}}

{% set changed = ref('int_changed_weeks') %}

with cohorts as (

    select
        cohort_week,
        count(*)::bigint as people
    from {{ ref('dim_user') }}
    where is_current and cohort_week is not null
    group by cohort_week

),

seen as (

    select
        members.cohort_week,
        weeks.week_start_date,
        count(*)::bigint as retained
    from {{ ref('mart_adherence_weekly') }} as weeks
    inner join {{ ref('dim_user') }} as members on weeks.user_id = members.user_id and members.is_current
    where
        weeks.observed_days > 0
        and {{ in_changed(changed, {'week_start_date': 'weeks.week_start_date'}) }}
    group by
        members.cohort_week,
        weeks.week_start_date

),

seen_weeks as (

    select distinct week_start_date from seen

),

cells as (

    select
        cohorts.cohort_week,
        seen_weeks.week_start_date,
        (seen_weeks.week_start_date - cohorts.cohort_week) / 7 as weeks_since_start,
        cohorts.people,
        coalesce(seen.retained, 0) as retained
    from cohorts
    inner join seen_weeks on cohorts.cohort_week <= seen_weeks.week_start_date
    left join seen on cohorts.cohort_week = seen.cohort_week and seen_weeks.week_start_date = seen.week_start_date

),

final as (

    select
        cohort_week,
        week_start_date,
        weeks_since_start,
        {{ suppress_small('people', 'people') }} as people,
        {{ suppress_small('people', 'retained') }} as retained,
        {{ suppress_small('people', 'round(retained::numeric / people, 4)') }} as retained_share,
        {{ suppress_small('people', wilson('retained', 'people', 'low')) }} as retained_share_low,
        {{ suppress_small('people', wilson('retained', 'people', 'high')) }} as retained_share_high
    from cells

)

select * from final
