{{ config(tags=['leaves_the_team']) }}

with points as (

    select
        days_since_start,
        sum(people)::bigint as people,
        sum(strength_sum) / sum(people) as mean_strength,
        sum(strength_squares) / sum(people) as mean_square,
        sum(habit_score_sum) / sum(people) as mean_habit_score,
        sum(automatic)::bigint as automatic,
        sum(forming)::bigint as forming,
        sum(lapsed)::bigint as lapsed,
        sum(reached_by_66_days)::bigint as reached_by_66_days,
        sum(known_at_66_days)::bigint as known_at_66_days
    from {{ ref('int_habit_cohorts') }}
    group by days_since_start

),

spread as (

    select
        *,
        1.96 * sqrt(greatest(mean_square - mean_strength * mean_strength, 0) / people) as half_width
    from points

),

final as (

    select
        days_since_start,
        {{ suppress_small('people', 'people') }} as people,
        {{ suppress_small('people', 'round(mean_strength, 4)') }} as mean_strength,
        {{ suppress_small('people', 'round(mean_strength - half_width, 4)') }} as mean_strength_low,
        {{ suppress_small('people', 'round(mean_strength + half_width, 4)') }} as mean_strength_high,
        {{ suppress_small('people', 'round(mean_habit_score, 4)') }} as mean_habit_score,
        {{ suppress_small('people', 'round(automatic::numeric / people, 4)') }} as automatic_share,
        {{ suppress_small('people', 'round(forming::numeric / people, 4)') }} as forming_share,
        {{ suppress_small('people', 'round(lapsed::numeric / people, 4)') }} as lapsed_share,
        {{ suppress_small('known_at_66_days', 'known_at_66_days') }} as known_at_66_days,
        {{ suppress_small('known_at_66_days', 'round(reached_by_66_days::numeric / known_at_66_days, 4)') }}
            as reached_by_66_days_share,
        {{ suppress_small('known_at_66_days', wilson('reached_by_66_days', 'known_at_66_days', 'low')) }}
            as reached_by_66_days_share_low,
        {{ suppress_small('known_at_66_days', wilson('reached_by_66_days', 'known_at_66_days', 'high')) }}
            as reached_by_66_days_share_high
    from spread

)

select * from final
