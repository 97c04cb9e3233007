with days as (

    select * from {{ ref('mart_user_daily') }}

),

weeks as (

    select
        user_id,
        date_trunc('week', local_date)::date as week_start_date,
        sum(workouts_planned)::bigint as workouts_planned,
        sum(workouts_completed)::bigint as workouts_completed,
        count(*) filter (where workouts_completed > 0)::bigint as active_days,
        count(*) filter (where events > 0)::bigint as observed_days
    from days
    group by
        user_id,
        date_trunc('week', local_date)::date

),

final as (

    select
        user_id,
        week_start_date,
        workouts_planned,
        workouts_completed,
        active_days,
        observed_days,
        round(least(workouts_completed::numeric / nullif(workouts_planned, 0), 1), 3) as adherence_rate,
        coalesce(workouts_completed >= 0.8 * nullif(workouts_planned, 0), false) as is_adherent
    from weeks

)

select * from final
