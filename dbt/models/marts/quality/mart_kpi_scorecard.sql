{{ config(tags=['leaves_the_team']) }}

{# Where each figure comes from: indicator, relation, Monday, value, ends of its interval, n, condition. #}
{% set week = 'week_start_date' %}
{% set figures = [
    ('model_accuracy', 'model_figures', week, 'accuracy', 'accuracy_low', 'accuracy_high', 'people', 'true'),
    ('model_f1', 'model_figures', week, 'f1', 'f1_low', 'f1_high', 'people', 'true'),
    (
        'data_completeness', 'quality', week, 'values_present::numeric / nullif(values_expected, 0)',
        wilson('values_present', 'values_expected', 'low'), wilson('values_present', 'values_expected', 'high'),
        'values_expected', 'true'
    ),
    (
        'data_accuracy', 'quality', week, 'lines_accepted::numeric / nullif(lines_checked, 0)',
        wilson('lines_accepted', 'lines_checked', 'low'), wilson('lines_accepted', 'lines_checked', 'high'),
        'lines_checked', 'true'
    ),
    (
        'habit_66_days', 'habits', week, 'reached::numeric / nullif(people, 0)', wilson('reached', 'people', 'low'),
        wilson('reached', 'people', 'high'), 'people', 'true'
    ),
    (
        'adherence_improvement', ref('mart_adherence_improvement'), week, 'adherence_relative_change',
        'adherence_change_low / nullif(baseline_adherence, 0)', 'adherence_change_high / nullif(baseline_adherence, 0)',
        'people', 'true'
    ),
    (
        'positive_response', 'responses', week, 'positive::numeric / nullif(delivered, 0)',
        wilson('positive', 'delivered', 'low'), wilson('positive', 'delivered', 'high'), 'delivered', 'true'
    ),
    (
        'retention_8_weeks', ref('mart_retention_weekly'), week, 'retained_share', 'retained_share_low',
        'retained_share_high', 'people', 'weeks_since_start = 8'
    ),
    (
        'onboarding_completion', ref('mart_onboarding'), 'cohort_week + 63', 'reached_share', 'reached_low',
        'reached_high', 'people', "stage = 'habit_formation'"
    ),
    (
        'personalised_adoption', ref('mart_feature_adoption'), week, 'adoption_share', 'adoption_low', 'adoption_high',
        'active_people', "feature = 'any_personalised'"
    ),
    (
        'stars', 'satisfaction', week, 'stars', 'greatest(stars - 1.959964 * stars_error, 1)',
        'least(stars + 1.959964 * stars_error, 5)', 'star_ratings', 'true'
    ),
    (
        'nps', 'satisfaction', week, 'nps', 'greatest(nps - 1.959964 * nps_error, -100)',
        'least(nps + 1.959964 * nps_error, 100)', 'nps_answers', 'true'
    ),
] %}

with kpis as (

    {{ kpis() }}

),

nights as (

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

answers as (

    select
        event_date,
        rating::numeric as rating,
        case when nps >= 9 then 100 when nps <= 6 then -100 when nps is not null then 0 end as recommends
    from {{ ref('stg_lake__satisfaction_reports') }}

),

satisfaction as (

    select
        weeks.week_start_date,
        count(answers.rating)::bigint as star_ratings,
        avg(answers.rating) as stars,
        stddev_samp(answers.rating) / sqrt(count(answers.rating)::numeric) as stars_error,
        count(answers.recommends)::bigint as nps_answers,
        avg(answers.recommends) as nps,
        stddev_samp(answers.recommends) / sqrt(count(answers.recommends)::numeric) as nps_error
    from weeks
    inner join answers on answers.event_date between weeks.week_start_date - 21 and weeks.week_start_date + 6
    group by weeks.week_start_date

),

measured as (

    {% for kpi, relation, week, measured_value, low, high, n, condition in figures %}
        select
            '{{ kpi }}' as kpi,
            {{ week }} as week_start_date,
            {{ measured_value }} as measured_value,
            {{ low }} as interval_low,
            {{ high }} as interval_high,
            {{ n }} as n
        from {{ relation }}
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- a figure on fewer than the smallest cell is withheld here as in the marts
shown as (

    select
        kpi,
        week_start_date,
        n,
        round({{ suppress_small('n', 'measured_value') }}, 4) as measured_value,
        round({{ suppress_small('n', 'interval_low') }}, 4) as interval_low,
        round({{ suppress_small('n', 'interval_high') }}, 4) as interval_high
    from measured

),

scored as (

    select
        kpis.*,
        weeks.week_start_date,
        shown.measured_value,
        shown.interval_low,
        shown.interval_high,
        {{ suppress_small('shown.n', 'shown.n') }} as n,
        shown.measured_value - earlier.measured_value as trend,
        case kpis.comparison
            when 'more_than' then shown.measured_value > kpis.target
            when 'at_least' then shown.measured_value >= kpis.target
            when 'less_than' then shown.measured_value < kpis.target
        end as is_met,
        case
            when shown.measured_value is not null then null
            when shown.n between 1 and {{ var('smallest_cell') }} - 1
                then 'it would rest on fewer than {{ var('smallest_cell') }}'
            else kpis.missing_because
        end as not_measurable_because
    from weeks
    cross join kpis
    left join shown on kpis.kpi = shown.kpi and weeks.week_start_date = shown.week_start_date
    left join shown as earlier on kpis.kpi = earlier.kpi and weeks.week_start_date - 28 = earlier.week_start_date

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
        measured_value as value,  -- noqa: RF04
        interval_low,
        interval_high,
        n,
        trend,
        case
            when measured_value is null then 'not_measurable'
            when target is null then 'no_target'
            when is_met then 'met'
            else 'missed'
        end as status,
        'not measurable yet, because ' || not_measurable_because as not_measurable_because
    from scored

)

select * from final
