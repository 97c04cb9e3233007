with nights as (

    select
        min(batch_date) as first_night,
        max(batch_date) as newest_night
    from {{ ref('int_nights_counted') }}

),

weeks as (

    -- what happened on a Sunday has arrived two nights later
    select series.week_at::date as week_start_date
    from nights
    cross join generate_series(
        date_trunc('week', nights.first_night::timestamp), (nights.newest_night - 8)::timestamp, interval '7 days'
    ) as series (week_at)

),

model_figures as (

    -- the version that scored most people that week
    select distinct on (week_start_date) *
    from {{ ref('mart_model_performance') }}
    where model = 'adherence'
    order by
        week_start_date asc,
        people desc,
        model_version desc

),

quality as (

    select
        date_trunc('week', batch_date::timestamp)::date as week_start_date,
        sum(values_expected)::bigint as values_expected,
        sum(values_present)::bigint as values_present,
        sum(lines_checked)::bigint as lines_checked,
        sum(lines_accepted)::bigint as lines_accepted
    from {{ ref('mart_data_quality') }}
    group by week_start_date

),

habits as (

    select
        weeks.week_start_date,
        sum(cohorts.reached_by_66_days)::bigint as reached,
        sum(cohorts.known_at_66_days)::bigint as people
    from weeks
    inner join {{ ref('int_habit_cohorts') }} as cohorts
        on
            cohorts.days_since_start = 66
            and cohorts.first_session_date + 66 between weeks.week_start_date - 21 and weeks.week_start_date + 6
    group by weeks.week_start_date

),

responses as (

    select
        week_start_date,
        sum(positive)::bigint as positive,
        sum(delivered)::bigint as delivered
    from {{ ref('mart_intervention_response') }}
    group by week_start_date

),

satisfaction as (

    select
        weeks.week_start_date,
        count(answers.rating)::bigint as star_ratings,
        avg(answers.rating::numeric) as stars,
        stddev_samp(answers.rating::numeric) / sqrt(count(answers.rating)::numeric) as stars_error,
        count(answers.nps)::bigint as nps_answers,
        100 * avg(recommended.score) as nps,
        100 * stddev_samp(recommended.score) / sqrt(count(answers.nps)::numeric) as nps_error
    from weeks
    inner join {{ ref('stg_lake__satisfaction_reports') }} as answers
        on answers.event_date between weeks.week_start_date - 21 and weeks.week_start_date + 6
    cross join lateral (
        select case when answers.nps >= 9 then 1 when answers.nps <= 6 then -1 when answers.nps is not null then 0 end
    ) as recommended (score)
    group by weeks.week_start_date

),

measured as (

    select
        'model_accuracy' as kpi,
        week_start_date,
        accuracy as value,
        accuracy_low as interval_low,
        accuracy_high as interval_high,
        people as n
    from model_figures
    union all
    select 'model_f1', week_start_date, f1, f1_low, f1_high, people
    from model_figures
    union all
    select
        'data_completeness',
        week_start_date,
        values_present::numeric / nullif(values_expected, 0),
        {{ wilson('values_present', 'values_expected', 'low') }},
        {{ wilson('values_present', 'values_expected', 'high') }},
        values_expected
    from quality
    union all
    select
        'data_accuracy',
        week_start_date,
        lines_accepted::numeric / nullif(lines_checked, 0),
        {{ wilson('lines_accepted', 'lines_checked', 'low') }},
        {{ wilson('lines_accepted', 'lines_checked', 'high') }},
        lines_checked
    from quality
    union all
    select
        'habit_66_days',
        week_start_date,
        reached::numeric / nullif(people, 0),
        {{ wilson('reached', 'people', 'low') }},
        {{ wilson('reached', 'people', 'high') }},
        people
    from habits
    union all
    select
        'adherence_improvement',
        week_start_date,
        adherence_relative_change,
        adherence_change_low / nullif(baseline_adherence, 0),
        adherence_change_high / nullif(baseline_adherence, 0),
        people
    from {{ ref('mart_adherence_improvement') }}
    union all
    select
        'positive_response',
        week_start_date,
        positive::numeric / nullif(delivered, 0),
        {{ wilson('positive', 'delivered', 'low') }},
        {{ wilson('positive', 'delivered', 'high') }},
        delivered
    from responses
    union all
    select 'retention_8_weeks', week_start_date, retained_share, retained_share_low, retained_share_high, people
    from {{ ref('mart_retention_weekly') }}
    where weeks_since_start = 8
    union all
    select 'onboarding_completion', cohort_week + 63, reached_share, reached_low, reached_high, people
    from {{ ref('mart_onboarding') }}
    where stage = 'habit_formation'
    union all
    select 'personalised_adoption', week_start_date, adoption_share, adoption_low, adoption_high, active_people
    from {{ ref('mart_feature_adoption') }}
    where feature = 'any_personalised'
    union all
    select
        'stars',
        week_start_date,
        stars,
        greatest(stars - 1.959964 * stars_error, 1),
        least(stars + 1.959964 * stars_error, 5),
        star_ratings
    from satisfaction
    union all
    select
        'nps',
        week_start_date,
        nps,
        greatest(nps - 1.959964 * nps_error, -100),
        least(nps + 1.959964 * nps_error, 100),
        nps_answers
    from satisfaction

),

-- a figure on fewer than the smallest cell is withheld here as in the marts
shown as (

    select
        kpi,
        week_start_date,
        n,
        round({{ suppress_small('n', 'value') }}, 4) as value,
        round({{ suppress_small('n', 'interval_low') }}, 4) as interval_low,
        round({{ suppress_small('n', 'interval_high') }}, 4) as interval_high
    from measured

),

scored as (

    select
        kpis.*,
        weeks.week_start_date,
        shown.value,
        shown.interval_low,
        shown.interval_high,
        {{ suppress_small('shown.n', 'shown.n') }} as n,
        shown.value - before.value as trend,
        case kpis.comparison
            when 'more_than' then shown.value > kpis.target
            when 'at_least' then shown.value >= kpis.target
            when 'less_than' then shown.value < kpis.target
        end as is_met,
        case
            when shown.value is not null then null
            when shown.n between 1 and {{ var('smallest_cell') }} - 1
                then 'it would rest on fewer than {{ var('smallest_cell') }}'
            else kpis.missing_because
        end as not_measurable_because
    from weeks
    cross join {{ ref('int_kpis') }} as kpis
    left join shown on kpis.kpi = shown.kpi and weeks.week_start_date = shown.week_start_date
    left join shown as before on kpis.kpi = before.kpi and weeks.week_start_date - 28 = before.week_start_date

),

final as (

    select
        kpi,
        week_start_date,
        position,
        area,
        name,
        definition,
        comparison,
        target,
        unit,
        value,
        interval_low,
        interval_high,
        n,
        trend,
        case
            when value is null then 'not_measurable'
            when target is null then 'no_target'
            when is_met then 'met'
            else 'missed'
        end as status,
        'not measurable yet, because ' || not_measurable_because as not_measurable_because
    from scored

)

select * from final
