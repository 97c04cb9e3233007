{#
    Predicted weeks that a night can add to, and one more, so that nights which never ran leave no gap: the two nights
    before a Monday are scored for it, and two nights after its Sunday it is complete.
#}
{% set weeks_of_night = "generate_series(batch_date - 15, batch_date + 2, interval '1 day')::date" %}
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_nights', 'changed_key': [weeks_of_night], 'model_key': ['week_start_date']}
    )
}}

with newest as (

    select max(batch_date) as batch_date from {{ ref('int_nights_counted') }}

),

snapshots as (

    -- Exported snapshots end on a Sunday, so the week predicted is the ISO week after it and a person counts once.
    select distinct on (features.user_id, features.as_of_date)
        features.batch_date,
        features.user_id,
        features.sessions_28d,
        features.as_of_date + 1 as week_start_date
    from {{ ref('stg_lake__user_features') }} as features
    cross join newest
    where
        extract(isodow from features.as_of_date) = 7
        and features.days_since_first_event >= 14
        and features.observed_days_28d > 0
        and features.as_of_date + 9 <= newest.batch_date
        and {{ in_changed(source('changes', '_changed_nights'), {weeks_of_night: 'features.as_of_date + 1'}) }}
    order by
        features.user_id,
        features.as_of_date,
        features.batch_date

),

predicted as (

    select
        snapshots.*,
        predictions.model,
        predictions.model_version,
        predictions.probability
    from snapshots
    inner join {{ ref('stg_lake__predictions') }} as predictions
        on
            snapshots.batch_date = predictions.batch_date
            and snapshots.user_id = predictions.user_id
    where predictions.model = 'adherence'

),

followed as (

    -- What became known until two nights after the week: later news no longer moves a figure.
    select
        snapshots.user_id,
        snapshots.week_start_date,
        sum(user_days.workouts_completed) as sessions,
        sum(user_days.workouts_planned) as planned
    from snapshots
    inner join {{ ref('stg_lake__user_days') }} as user_days
        on
            snapshots.user_id = user_days.user_id
            and user_days.local_date between snapshots.week_start_date and snapshots.week_start_date + 6
            and user_days.batch_date <= snapshots.week_start_date + 8
    group by
        snapshots.user_id,
        snapshots.week_start_date
    having sum(user_days.events) > 0

),

labelled as (

    -- models/lifecycle/dataset.py trains on the same label; round() of a double rounds halves to even, as there.
    select
        predicted.user_id,
        predicted.week_start_date,
        predicted.model,
        predicted.model_version,
        predicted.probability::numeric as probability,
        case
            when
                followed.sessions >= 0.8 * case
                    when followed.planned > 0 then followed.planned
                    else greatest(round(predicted.sessions_28d / 4.0::double precision)::numeric, 1)
                end
                then 1
            else 0
        end as adherent
    from predicted
    inner join followed
        on
            predicted.user_id = followed.user_id
            and predicted.week_start_date = followed.week_start_date

),

ranked as (

    select
        *,
        rank() over (partition by week_start_date, model, model_version order by probability)
        + (count(*) over (partition by week_start_date, model, model_version, probability) - 1) / 2.0 as mean_rank,
        ntile(10) over (partition by week_start_date, model, model_version order by probability, user_id) as bin
    from labelled

),

bins as (

    select
        week_start_date,
        model,
        model_version,
        bin,
        count(*) as people,
        avg(probability) as predicted,
        avg(adherent) as observed
    from ranked
    group by
        week_start_date,
        model,
        model_version,
        bin

),

calibration as (

    select
        week_start_date,
        model,
        model_version,
        sum(people * abs(predicted - observed)) / sum(people) as calibration_error,
        jsonb_agg(
            jsonb_build_object(
                'people', people, 'predicted', round(predicted, 4), 'observed', round(observed, 4)
            ) order by bin
        ) as calibration_bins
    from bins
    group by
        week_start_date,
        model,
        model_version

),

sums as (

    select
        week_start_date,
        model,
        model_version,
        count(*)::bigint as people,
        sum(adherent)::bigint as positives,
        (count(*) - sum(adherent))::bigint as negatives,
        avg(probability) as mean_predicted,
        avg((probability - adherent) * (probability - adherent)) as brier,
        count(*) filter (where (probability >= 0.5) = (adherent = 1))::bigint as right_calls,
        count(*) filter (where probability >= 0.5 and adherent = 1)::bigint as hits,
        count(*) filter (where probability >= 0.5 or adherent = 1)::bigint as called_or_true,
        (sum(mean_rank) filter (where adherent = 1) - sum(adherent) * (sum(adherent) + 1) / 2.0)
        / nullif(sum(adherent) * (count(*) - sum(adherent)), 0) as auc
    from ranked
    group by
        week_start_date,
        model,
        model_version

),

spread as (

    -- Hanley and McNeil (1982), Radiology 143, 29-36: the standard error of an area under the curve.
    select
        *,
        sqrt(
            (
                auc * (1 - auc)
                + (positives - 1) * (auc / (2 - auc) - auc * auc)
                + (negatives - 1) * (2 * auc * auc / (1 + auc) - auc * auc)
            ) / nullif(positives * negatives, 0)
        ) as auc_error,
        {{ wilson('hits', 'called_or_true', 'low') }} as overlap_low,
        {{ wilson('hits', 'called_or_true', 'high') }} as overlap_high
    from sums

),

final as (

    select
        spread.model,
        spread.model_version,
        spread.week_start_date,
        spread.people,
        round(spread.positives::numeric / spread.people, 4) as base_rate,
        round(spread.mean_predicted, 4) as mean_predicted,
        round(spread.auc, 4) as auc,
        case when spread.auc is not null then round(greatest(spread.auc - 1.959964 * spread.auc_error, 0), 4) end as auc_low,
        case when spread.auc is not null then round(least(spread.auc + 1.959964 * spread.auc_error, 1), 4) end as auc_high,
        round(spread.brier, 4) as brier,
        round(spread.right_calls::numeric / spread.people, 4) as accuracy,
        {{ wilson('spread.right_calls', 'spread.people', 'low') }} as accuracy_low,
        {{ wilson('spread.right_calls', 'spread.people', 'high') }} as accuracy_high,
        -- F1 = 2 J / (1 + J) of the share J of hits among the called or true, whose interval it takes
        round(2.0 * spread.hits / nullif(spread.hits + spread.called_or_true, 0), 4) as f1,
        round(2 * spread.overlap_low / (1 + spread.overlap_low), 4) as f1_low,
        round(2 * spread.overlap_high / (1 + spread.overlap_high), 4) as f1_high,
        round(calibration.calibration_error, 4) as calibration_error,
        calibration.calibration_bins
    from spread
    inner join calibration
        on
            spread.week_start_date = calibration.week_start_date
            and spread.model = calibration.model
            and spread.model_version = calibration.model_version

)

select * from final
