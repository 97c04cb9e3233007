with audits as (

    select
        batch_date,
        sum(raw_count)::bigint as raw_lines,
        sum(accepted_count)::bigint as accepted_lines,
        sum(duplicate_count)::bigint as duplicate_lines,
        sum(rejected_count)::bigint as rejected_lines
    from {{ ref('stg_lake__batch_audits') }}
    group by batch_date

),

gates as (

    select
        batch_date,
        count(*) filter (where success)::bigint as expectations_held,
        count(*) filter (where not success and severity = 'warn')::bigint as expectations_warned,
        count(*) filter (where not success and severity = 'fail')::bigint as expectations_failed
    from {{ ref('stg_lake__gate_results') }}
    group by batch_date

),

people as (

    select
        batch_date,
        count(*)::bigint as people
    from {{ ref('stg_lake__user_features') }}
    group by batch_date

),

decided as (

    select
        batch_date,
        count(*) filter (where horizon = 0)::bigint as decisions,
        count(*) filter (where horizon = 0 and send)::bigint as decisions_sent
    from {{ ref('stg_lake__decisions') }}
    group by batch_date

),

nights as (

    select * from {{ ref('stg_ops__nights') }}

),

spine as (

    select batch_date from nights
    union
    select batch_date from audits
    union
    select batch_date from people

),

final as (

    select
        spine.batch_date,
        nights.night_status,
        coalesce(audits.raw_lines, 0)::bigint as raw_lines,
        coalesce(audits.accepted_lines, 0)::bigint as accepted_lines,
        coalesce(audits.duplicate_lines, 0)::bigint as duplicate_lines,
        coalesce(audits.rejected_lines, 0)::bigint as rejected_lines,
        round(audits.rejected_lines::numeric / nullif(audits.raw_lines, 0), 4) as rejected_share,
        coalesce(gates.expectations_held, 0)::bigint as expectations_held,
        coalesce(gates.expectations_warned, 0)::bigint as expectations_warned,
        coalesce(gates.expectations_failed, 0)::bigint as expectations_failed,
        coalesce(people.people, 0)::bigint as people,
        coalesce(decided.decisions, 0)::bigint as decisions,
        coalesce(decided.decisions_sent, 0)::bigint as decisions_sent
    from spine
    left join nights on spine.batch_date = nights.batch_date
    left join audits on spine.batch_date = audits.batch_date
    left join gates on spine.batch_date = gates.batch_date
    left join people on spine.batch_date = people.batch_date
    left join decided on spine.batch_date = decided.batch_date

)

select * from final
