with newest as (

    select max(batch_date) as batch_date from {{ ref('int_nights_counted') }}

),

days as (

    -- A local day is over everywhere, and what happened on it has arrived, two nights later. On a date on which nobody
    -- received anything the queue was not served: sending was not tried.
    select
        intervention_days.*,
        intervention_days.local_date <= newest.batch_date - 2
        and sum(intervention_days.delivered) over (partition by intervention_days.local_date) > 0 as is_compared
    from {{ ref('int_intervention_days') }} as intervention_days
    cross join newest

),

weeks as (

    select
        date_trunc('week', local_date::timestamp)::date as week_start_date,
        action,
        channel,
        sum(sent)::bigint as sent,
        sum(delivered)::bigint as delivered,
        sum(opened)::bigint as opened,
        sum(dismissed)::bigint as dismissed,
        sum(acted)::bigint as acted,
        sum(rated)::bigint as rated,
        sum(positive)::bigint as positive,
        sum(rating_sum) as rating_sum,
        coalesce(sum(sent) filter (where is_compared), 0)::bigint as compared_sent,
        coalesce(sum(available - sent) filter (where is_compared), 0)::bigint as compared_unsent,
        sum(sent_weight) filter (where is_compared) as sent_weight,
        sum(sent_session_weight) filter (where is_compared) as sent_session_weight,
        sum(sent_square) filter (where is_compared) as sent_square,
        sum(sent_session_square) filter (where is_compared) as sent_session_square,
        sum(unsent_weight) filter (where is_compared) as unsent_weight,
        sum(unsent_session_weight) filter (where is_compared) as unsent_session_weight,
        sum(unsent_square) filter (where is_compared) as unsent_square,
        sum(unsent_session_square) filter (where is_compared) as unsent_session_square
    from days
    group by
        week_start_date,
        action,
        channel

),

rates as (

    select
        *,
        sent_session_weight / nullif(sent_weight, 0) as rate_sent,
        unsent_session_weight / nullif(unsent_weight, 0) as rate_unsent,
        least(compared_sent, compared_unsent) >= 30 as is_comparable
    from weeks

),

errors as (

    -- The variance of a weighted mean of 0 and 1: sum of weight^2 (y - rate)^2 over the squared sum of weights.
    select
        *,
        sqrt(
            (sent_session_square * (1 - 2 * rate_sent) + rate_sent * rate_sent * sent_square)
            / (sent_weight * sent_weight)
            + (unsent_session_square * (1 - 2 * rate_unsent) + rate_unsent * rate_unsent * unsent_square)
            / (unsent_weight * unsent_weight)
        ) as standard_error
    from rates
    where is_comparable

),

final as (

    select
        rates.week_start_date,
        rates.action,
        rates.channel,
        rates.sent,
        rates.delivered,
        rates.opened,
        rates.dismissed,
        rates.acted,
        rates.rated,
        rates.positive,
        round(rates.positive::numeric / nullif(rates.delivered, 0), 4) as response_rate,
        {{ wilson('rates.positive', 'rates.delivered', 'low') }} as response_low,
        {{ wilson('rates.positive', 'rates.delivered', 'high') }} as response_high,
        round(rates.rating_sum / nullif(rates.rated, 0), 2) as mean_rating,
        rates.compared_sent,
        rates.compared_unsent,
        round(errors.rate_sent, 4) as session_rate_sent,
        round(errors.rate_unsent, 4) as session_rate_unsent,
        round(errors.rate_sent - errors.rate_unsent, 4) as effect_estimate,
        round(errors.rate_sent - errors.rate_unsent - 1.959964 * errors.standard_error, 4) as effect_low,
        round(errors.rate_sent - errors.rate_unsent + 1.959964 * errors.standard_error, 4) as effect_high
    from rates
    left join errors
        on
            rates.week_start_date = errors.week_start_date
            and rates.action = errors.action
            and rates.channel = errors.channel

)

select * from final
