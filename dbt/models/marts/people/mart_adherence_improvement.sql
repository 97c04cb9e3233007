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

with weeks as (

    select
        user_id,
        week_start_date,
        workouts_planned,
        workouts_completed,
        adherence_rate
    from {{ ref('mart_adherence_weekly') }}
    where
        observed_days > 0
        and {{ in_changed(changed, {'week_start_date': 'week_start_date'}) }}

),

-- everybody with a baseline, whether they were seen that week or not
followed as (

    select
        seen.week_start_date,
        count(*)::bigint as people_followed,
        avg(baselines.workouts_completed / 2.0) as baseline_sessions
    from (select distinct week_start_date from weeks) as seen
    inner join {{ ref('int_user_baselines') }} as baselines on seen.week_start_date >= baselines.compared_from
    group by seen.week_start_date

),

compared as (

    select
        weeks.week_start_date,
        sum(weeks.workouts_completed) as sessions,
        count(*) filter (where weeks.workouts_planned > 0 and baselines.workouts_planned > 0)::bigint as people,
        avg(least(baselines.workouts_completed::numeric / baselines.workouts_planned, 1))
        filter (where weeks.workouts_planned > 0 and baselines.workouts_planned > 0) as baseline_adherence,
        avg(weeks.adherence_rate)
        filter (where weeks.workouts_planned > 0 and baselines.workouts_planned > 0) as adherence,
        stddev_samp(weeks.adherence_rate - least(baselines.workouts_completed::numeric / baselines.workouts_planned, 1))
        filter (where weeks.workouts_planned > 0 and baselines.workouts_planned > 0) as change_deviation
    from weeks
    inner join {{ ref('int_user_baselines') }} as baselines
        on weeks.user_id = baselines.user_id and weeks.week_start_date >= baselines.compared_from
    group by weeks.week_start_date

),

joined as (

    select
        followed.week_start_date,
        followed.people_followed,
        followed.baseline_sessions,
        coalesce(compared.sessions, 0) / followed.people_followed as sessions,
        coalesce(compared.people, 0) as people,
        compared.baseline_adherence,
        compared.adherence,
        compared.adherence - compared.baseline_adherence as difference,
        1.96 * compared.change_deviation / sqrt(compared.people::numeric) as half_width
    from followed
    left join compared on followed.week_start_date = compared.week_start_date

),

final as (

    select
        week_start_date,
        {{ suppress_small('people', 'people') }} as people,
        {{ suppress_small('people', 'round(baseline_adherence, 4)') }} as baseline_adherence,
        {{ suppress_small('people', 'round(adherence, 4)') }} as adherence,
        {{ suppress_small('people', 'round(difference, 4)') }} as adherence_change,
        {{ suppress_small('people', 'round(difference - half_width, 4)') }} as adherence_change_low,
        {{ suppress_small('people', 'round(difference + half_width, 4)') }} as adherence_change_high,
        {{ suppress_small('people', 'round(difference / nullif(baseline_adherence, 0), 4)') }} as adherence_relative_change,
        {{ suppress_small('people_followed', 'people_followed') }} as people_followed,
        {{ suppress_small('people_followed', 'round(baseline_sessions, 3)') }} as baseline_sessions,
        {{ suppress_small('people_followed', 'round(sessions, 3)') }} as sessions,
        {{ suppress_small('people_followed', 'round(sessions / nullif(baseline_sessions, 0) - 1, 4)') }}
            as sessions_relative_change
    from joined

)

select * from final
