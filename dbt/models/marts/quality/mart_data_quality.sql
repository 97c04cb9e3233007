{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={
            'changed': '_changed_nights',
            'changed_key': ['unnest(array[batch_date, batch_date + 1, batch_date + 2])'],
            'model_key': ['batch_date']
        }
    )
}}

with nights as (

    -- A night also counts what the two before it brought for the same local date.
    select *
    from {{ ref('int_nights_counted') }}
    where
        {{ in_changed(
            source('changes', '_changed_nights'),
            {'unnest(array[batch_date, batch_date + 1, batch_date + 2])': 'batch_date'}
        ) }}

),

person_days as (

    -- The local date before the night is over in every zone when the night ends.
    select
        nights.batch_date,
        user_days.user_id,
        sum(user_days.workouts_completed) as sessions,
        sum(user_days.completion_count + user_days.intensity_count + user_days.heart_rate_count) as session_values,
        sum(user_days.sleep_count) as sleeps,
        sum(user_days.sleep_efficiency_count) as sleep_values,
        (sum(user_days.sleep_count) > 0)::int
        + (sum(user_days.hrv_count) > 0)::int
        + (sum(user_days.resting_heart_rate_count) > 0)::int
        + (sum(user_days.steps_count) > 0)::int as wear_values,
        (sum(user_days.energy_count) > 0)::int
        + (sum(user_days.soreness_count) > 0)::int
        + (sum(user_days.mood_count) > 0)::int as state_values
    from nights
    inner join {{ ref('stg_lake__user_days') }} as user_days
        on
            nights.batch_date - 1 = user_days.local_date
            and nights.batch_date >= user_days.batch_date
            and nights.batch_date - 2 <= user_days.batch_date
    group by
        nights.batch_date,
        user_days.user_id

),

counted as (

    select
        batch_date,
        3 * sum(sessions)::bigint as session_expected,
        sum(session_values)::bigint as session_present,
        sum(sleeps)::bigint as sleep_expected,
        sum(sleep_values)::bigint as sleep_present,
        4 * count(*) filter (where wear_values > 0)::bigint as wear_expected,
        sum(wear_values)::bigint as wear_present,
        3 * count(*) filter (where state_values > 0)::bigint as state_expected,
        sum(state_values)::bigint as state_present
    from person_days
    group by batch_date

),

summed as (

    select
        nights.batch_date,
        nights.batch_date - 1 as local_date,
        coalesce(counted.session_expected, 0) as session_expected,
        coalesce(counted.session_present, 0) as session_present,
        coalesce(counted.sleep_expected, 0) as sleep_expected,
        coalesce(counted.sleep_present, 0) as sleep_present,
        coalesce(counted.wear_expected, 0) as wear_expected,
        coalesce(counted.wear_present, 0) as wear_present,
        coalesce(counted.state_expected, 0) as state_expected,
        coalesce(counted.state_present, 0) as state_present,
        nights.raw_lines - nights.duplicate_lines as lines_checked,
        nights.accepted_lines as lines_accepted,
        coalesce((nights.rejected_reasons ->> 'missing_field')::bigint, 0) as lines_incomplete,
        nights.expectations_held + nights.expectations_warned + nights.expectations_failed as expectations_checked,
        nights.expectations_held
    from nights
    left join counted on nights.batch_date = counted.batch_date

),

final as (

    select
        *,
        session_expected + sleep_expected + wear_expected + state_expected as values_expected,
        session_present + sleep_present + wear_present + state_present as values_present,
        round(session_present::numeric / nullif(session_expected, 0), 4) as session_completeness,
        round(sleep_present::numeric / nullif(sleep_expected, 0), 4) as sleep_completeness,
        round(wear_present::numeric / nullif(wear_expected, 0), 4) as wear_completeness,
        round(state_present::numeric / nullif(state_expected, 0), 4) as state_completeness,
        round(
            (session_present + sleep_present + wear_present + state_present)::numeric
            / nullif(session_expected + sleep_expected + wear_expected + state_expected, 0), 4
        ) as completeness,
        round(lines_accepted::numeric / nullif(lines_checked, 0), 4) as accuracy,
        round(expectations_held::numeric / nullif(expectations_checked, 0), 4) as expectations_share
    from summed

)

select * from final
