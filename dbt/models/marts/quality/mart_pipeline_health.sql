with counted as (

    select * from {{ ref('int_nights_counted') }}

),

nights as (

    select * from {{ ref('stg_ops__nights') }}

),

spine as (

    select batch_date from counted
    union distinct
    select batch_date from nights

),

final as (

    select
        spine.batch_date,
        nights.night_status,
        nights.failed_task,
        nights.finished_at,
        -- the night's interval ends when its UTC date does
        round(
            extract(epoch from nights.finished_at - ((spine.batch_date + 1)::timestamp at time zone 'UTC')) / 3600, 2
        ) as hours_to_finish,
        coalesce(counted.raw_lines, 0) as raw_lines,
        coalesce(counted.accepted_lines, 0) as accepted_lines,
        coalesce(counted.duplicate_lines, 0) as duplicate_lines,
        coalesce(counted.rejected_lines, 0) as rejected_lines,
        round(counted.rejected_lines::numeric / nullif(counted.raw_lines, 0), 4) as rejected_share,
        coalesce(counted.rejected_reasons, '{}'::jsonb) as rejected_reasons,
        coalesce(counted.expectations_held, 0) as expectations_held,
        coalesce(counted.expectations_warned, 0) as expectations_warned,
        coalesce(counted.expectations_failed, 0) as expectations_failed,
        counted.broken_expectations,
        coalesce(counted.people, 0) as people,
        coalesce(counted.people_scored, 0) as people_scored,
        coalesce(counted.decisions, 0) as decisions,
        coalesce(counted.decisions_sent, 0) as decisions_sent
    from spine
    left join nights on spine.batch_date = nights.batch_date
    left join counted on spine.batch_date = counted.batch_date

)

select * from final
