{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_decision_dates', 'changed_key': ['local_date'], 'model_key': ['local_date']}
    )
}}

{% set changed = source('changes', '_changed_decision_dates') %}

with decisions as (

    select * from {{ ref('stg_lake__decisions') }}
    where {{ in_changed(changed, {'local_date': 'local_date'}) }}

),

answers as (

    select
        decisions.decision_id,
        bool_or(events.event_type = 'intervention_delivered') as is_delivered,
        bool_or(events.event_type = 'intervention_opened') as is_opened,
        bool_or(events.event_type = 'intervention_dismissed') as is_dismissed,
        bool_or(events.event_type = 'intervention_acted') as is_acted,
        avg(events.rating::numeric) as rating
    from decisions
    inner join {{ ref('stg_lake__intervention_events') }} as events on decisions.decision_id = events.decision_id
    group by decisions.decision_id

),

funnel as (

    select
        decisions.local_date,
        decisions.action,
        decisions.horizon,
        coalesce(decisions.channel, 'none') as channel,
        count(*)::bigint as decided,
        count(*) filter (where decisions.available)::bigint as available,
        count(*) filter (where decisions.send)::bigint as sent,
        count(*) filter (where answers.is_delivered)::bigint as delivered,
        count(*) filter (where answers.is_opened)::bigint as opened,
        count(*) filter (where answers.is_dismissed)::bigint as dismissed,
        count(*) filter (where answers.is_acted)::bigint as acted,
        round(avg(decisions.probability::numeric), 4) as mean_probability,
        round(avg(answers.rating), 2) as mean_rating
    from decisions
    left join answers on decisions.decision_id = answers.decision_id
    group by
        decisions.local_date,
        decisions.action,
        coalesce(decisions.channel, 'none'),
        decisions.horizon

),

final as (

    select
        local_date,
        action,
        channel,
        horizon,
        decided,
        available,
        sent,
        delivered,
        opened,
        dismissed,
        acted,
        mean_probability,
        mean_rating,
        round(available::numeric / decided, 4) as available_share,
        round(sent::numeric / nullif(available, 0), 4) as sent_rate,
        round(delivered::numeric / nullif(sent, 0), 4) as delivered_rate,
        round(opened::numeric / nullif(delivered, 0), 4) as open_rate,
        round(acted::numeric / nullif(delivered, 0), 4) as act_rate
    from funnel

)

select * from final
