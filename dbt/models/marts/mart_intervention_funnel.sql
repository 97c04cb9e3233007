with decisions as (

    select * from {{ ref('stg_lake__decisions') }}

),

answers as (

    select * from {{ ref('int_interventions_answered') }}

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
        count(*) filter (where answers.is_acted)::bigint as acted
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
        acted,
        round(opened::numeric / nullif(delivered, 0), 4) as open_rate,
        round(acted::numeric / nullif(delivered, 0), 4) as act_rate
    from funnel

)

select * from final
