{{ config(tags=['leaves_the_team']) }}

{# Days after sign-up within which a stage counts as reached. #}
{% set followed_days = 60 %}

with newest as (

    select max(batch_date) as batch_date from {{ ref('int_nights_counted') }}

),

started as (

    select
        user_id,
        first_local_date,
        first_session_date as core_setup_on,
        -- opens a day after the first workout
        case
            when third_session_date is not null then greatest(third_session_date, first_session_date + 1)
        end as pattern_discovery_on
    from {{ ref('fct_first_sessions') }}

),

consistent as (

    -- opens two days after pattern discovery
    select
        started.user_id,
        min(signals.as_of_date) as habit_formation_on
    from started
    inner join {{ ref('int_onboarding_signals') }} as signals on started.user_id = signals.user_id
    where
        signals.criterion = 'consistency'
        and signals.as_of_date between started.pattern_discovery_on + 2 and started.first_local_date + {{ followed_days }}
    group by started.user_id

),

habitual as (

    -- opens seven days after habit formation
    select
        started.user_id,
        min(signals.as_of_date) as advanced_features_on
    from started
    inner join consistent on started.user_id = consistent.user_id
    inner join {{ ref('int_onboarding_signals') }} as signals on started.user_id = signals.user_id
    where
        signals.criterion = 'habit'
        and signals.as_of_date
        between consistent.habit_formation_on + 7 and started.first_local_date + {{ followed_days }}
    group by started.user_id

),

people as (

    select
        started.first_local_date,
        date_trunc('week', started.first_local_date::timestamp)::date as cohort_week,
        reaching.stage_number,
        reaching.stage,
        reaching.reached_on - started.first_local_date as days_to_reach
    from started
    left join consistent on started.user_id = consistent.user_id
    left join habitual on started.user_id = habitual.user_id
    cross join lateral (
        values
        (1, 'core_setup', started.core_setup_on),
        (2, 'pattern_discovery', started.pattern_discovery_on),
        (3, 'habit_formation', consistent.habit_formation_on),
        (4, 'advanced_features', habitual.advanced_features_on)
    ) as reaching (stage_number, stage, reached_on)

),

cohorts as (

    select
        cohort_week,
        stage_number,
        stage,
        count(*)::bigint as people,
        count(days_to_reach)::bigint as reached,
        percentile_cont(0.5) within group (order by days_to_reach)::numeric as median_days
    from people
    group by
        cohort_week,
        stage_number,
        stage

),

final as (

    select
        cohorts.cohort_week,
        cohorts.stage_number,
        cohorts.stage,
        {{ suppress_small('cohorts.people', 'cohorts.people') }} as people,
        {{ suppress_small('cohorts.people', 'cohorts.reached') }} as reached,
        {{ suppress_small('cohorts.people', 'round(cohorts.reached::numeric / cohorts.people, 4)') }} as reached_share,
        {{ suppress_small('cohorts.people', wilson('cohorts.reached', 'cohorts.people', 'low')) }} as reached_low,
        {{ suppress_small('cohorts.people', wilson('cohorts.reached', 'cohorts.people', 'high')) }} as reached_high,
        {{ suppress_small('cohorts.reached', 'round(cohorts.median_days, 1)') }} as median_days,
        newest.batch_date - cohorts.cohort_week - 6 as days_followed
    from cohorts
    cross join newest

)

select * from final
