-- Weeks whose figures over people must be computed anew: those of changed days, and from a day in somebody's first
-- weeks on all later ones too, because the size of a cohort or a person's baseline may be another.
with changed_days as (

    select
        changed.user_id,
        date_trunc('week', changed.local_date::timestamp)::date as week_start_date,
        people.cohort_week
    from {{ source('changes', '_changed_days') }} as changed
    left join {{ ref('dim_user') }} as people on changed.user_id = people.user_id and people.is_current

),

weeks as (

    select week_start_date from changed_days
    union distinct
    select week_at::date as week_start_date
    from generate_series(
        (
            select min(changed_days.week_start_date)
            from changed_days
            where changed_days.week_start_date <= coalesce(changed_days.cohort_week, 'infinity'::date) + 14
        )::timestamp,
        (select max(facts.local_date) from {{ ref('fct_user_day') }} as facts)::timestamp,
        interval '7 days'
    ) as series (week_at)

)

select week_start_date from weeks
