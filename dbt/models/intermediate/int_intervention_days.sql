{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_outcome_dates', 'changed_key': ['local_date'], 'model_key': ['local_date']}
    )
}}

{% set changed = source('changes', '_changed_outcome_dates') %}

with decided as (

    -- The final decision of each person and date: fallback days are decided again by the next night.
    select
        decision_id,
        user_id,
        local_date,
        action,
        channel,
        send,
        arm,
        case
            when not send then 1 - probability::numeric
            else coalesce(action_probability, probability)::numeric
        end as drawn_probability
    from {{ ref('stg_lake__decisions') }}
    where
        horizon = 0
        and available
        and {{ in_changed(changed, {'local_date': 'local_date'}) }}

),

answers as (

    select
        decided.decision_id,
        bool_or(events.event_type = 'intervention_delivered') as is_delivered,
        bool_or(events.event_type = 'intervention_opened') as is_opened,
        bool_or(events.event_type = 'intervention_dismissed') as is_dismissed,
        bool_or(events.event_type = 'intervention_acted') as is_acted,
        max(events.rating)::numeric as rating
    from decided
    inner join {{ ref('stg_lake__intervention_events') }} as events on decided.decision_id = events.decision_id
    group by decided.decision_id

),

session_days as (

    -- As known a week after the date: later news no longer moves an estimate.
    select
        user_id,
        local_date
    from {{ ref('stg_lake__user_days') }}
    where
        batch_date <= local_date + 7
        and {{ in_changed(changed, {'local_date': 'local_date'}) }}
    group by
        user_id,
        local_date
    having sum(workouts_completed) > 0

),

weighed as (

    select
        decided.local_date,
        decided.action,
        decided.send,
        answers.rating,
        coalesce(decided.channel, 'none') as channel,
        coalesce(answers.is_delivered, false) as is_delivered,
        coalesce(answers.is_opened, false) as is_opened,
        coalesce(answers.is_dismissed, false) as is_dismissed,
        coalesce(answers.is_acted, false) as is_acted,
        session_days.user_id is not null as has_session,
        -- Inverse of the probability of what was drawn. Silence is counted with the best arm's type, so the other
        -- arm has nothing to be compared with.
        case
            when coalesce(decided.arm, 0) = 0 then round(1 / nullif(decided.drawn_probability, 0), 6)
        end as weight
    from decided
    left join answers on decided.decision_id = answers.decision_id
    left join session_days on decided.user_id = session_days.user_id and decided.local_date = session_days.local_date

),

final as (

    select
        local_date,
        action,
        channel,
        count(*)::bigint as available,
        count(*) filter (where send)::bigint as sent,
        count(*) filter (where is_delivered)::bigint as delivered,
        count(*) filter (where is_delivered and is_opened)::bigint as opened,
        count(*) filter (where is_delivered and is_dismissed)::bigint as dismissed,
        count(*) filter (where is_delivered and is_acted)::bigint as acted,
        count(*) filter (where is_delivered and rating is not null)::bigint as rated,
        count(*) filter (where is_delivered and (is_acted or coalesce(rating >= 4, false)))::bigint as positive,
        coalesce(sum(rating) filter (where is_delivered), 0) as rating_sum,
        coalesce(sum(weight) filter (where send), 0) as sent_weight,
        coalesce(sum(weight) filter (where send and has_session), 0) as sent_session_weight,
        coalesce(sum(weight * weight) filter (where send), 0) as sent_square,
        coalesce(sum(weight * weight) filter (where send and has_session), 0) as sent_session_square,
        coalesce(sum(weight) filter (where not send), 0) as unsent_weight,
        coalesce(sum(weight) filter (where not send and has_session), 0) as unsent_session_weight,
        coalesce(sum(weight * weight) filter (where not send), 0) as unsent_square,
        coalesce(sum(weight * weight) filter (where not send and has_session), 0) as unsent_session_square
    from weighed
    group by
        local_date,
        action,
        channel

)

select * from final
