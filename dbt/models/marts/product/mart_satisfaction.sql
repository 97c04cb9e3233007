{{ config(tags=['leaves_the_team']) }}

with answers as (

    select
        date_trunc('month', event_date::timestamp)::date as month_start_date,
        user_id,
        rating::numeric as stars,
        nps,
        case when nps >= 9 then 1 when nps <= 6 then -1 when nps is not null then 0 end as recommends
    from {{ ref('stg_lake__satisfaction_reports') }}

),

months as (

    select
        month_start_date,
        count(distinct user_id)::bigint as people,
        count(stars)::bigint as star_ratings,
        avg(stars) as mean_stars,
        1.959964 * stddev_samp(stars) / sqrt(count(stars)::numeric) as stars_half,
        count(nps)::bigint as nps_answers,
        count(*) filter (where recommends = 1)::bigint as promoters,
        count(*) filter (where recommends = 0)::bigint as passives,
        count(*) filter (where recommends = -1)::bigint as detractors,
        100 * avg(recommends) as nps,
        195.9964 * stddev_samp(recommends) / sqrt(count(recommends)::numeric) as nps_half
    from answers
    group by month_start_date

),

bounded as (

    -- least() and greatest() pass over nulls: below two answers there is no interval
    select
        *,
        case when star_ratings > 1 then greatest(mean_stars - stars_half, 1) end as stars_low,
        case when star_ratings > 1 then least(mean_stars + stars_half, 5) end as stars_high,
        case when nps_answers > 1 then greatest(nps - nps_half, -100) end as nps_low,
        case when nps_answers > 1 then least(nps + nps_half, 100) end as nps_high
    from months

),

final as (

    select
        month_start_date,
        {{ suppress_small('people', 'people') }} as people,
        {{ suppress_small('people', 'star_ratings') }} as star_ratings,
        {{ suppress_small('people', 'round(mean_stars, 2)') }} as mean_stars,
        {{ suppress_small('people', 'round(stars_low, 2)') }} as stars_low,
        {{ suppress_small('people', 'round(stars_high, 2)') }} as stars_high,
        {{ suppress_small('people', 'nps_answers') }} as nps_answers,
        {{ suppress_small('people', 'promoters') }} as promoters,
        {{ suppress_small('people', 'passives') }} as passives,
        {{ suppress_small('people', 'detractors') }} as detractors,
        {{ suppress_small('people', 'round(nps, 1)') }} as nps,
        {{ suppress_small('people', 'round(nps_low, 1)') }} as nps_low,
        {{ suppress_small('people', 'round(nps_high, 1)') }} as nps_high
    from bounded

)

select * from final
