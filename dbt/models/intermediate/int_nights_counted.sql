{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_nights', 'changed_key': ['batch_date'], 'model_key': ['batch_date']}
    )
}}

{% set changed = source('changes', '_changed_nights') %}

with audits as (

    select
        batch_date,
        sum(raw_count)::bigint as raw_lines,
        sum(accepted_count)::bigint as accepted_lines,
        sum(duplicate_count)::bigint as duplicate_lines,
        sum(rejected_count)::bigint as rejected_lines
    from {{ ref('stg_lake__batch_audits') }}
    where {{ in_changed(changed, {'batch_date': 'batch_date'}) }}
    group by batch_date

),

reason_counts as (

    select
        audit_rows.batch_date,
        reason_rows.reason,
        sum(reason_rows.line_count::bigint)::bigint as line_count
    from {{ ref('stg_lake__batch_audits') }} as audit_rows
    cross join lateral jsonb_each_text(audit_rows.reasons) as reason_rows (reason, line_count)
    where {{ in_changed(changed, {'batch_date': 'audit_rows.batch_date'}) }}
    group by
        audit_rows.batch_date,
        reason_rows.reason

),

reasons as (

    select
        batch_date,
        jsonb_object_agg(reason, line_count) as rejected_reasons
    from reason_counts
    group by batch_date

),

gates as (

    select
        batch_date,
        count(*) filter (where success)::bigint as expectations_held,
        count(*) filter (where not success and severity = 'warn')::bigint as expectations_warned,
        count(*) filter (where not success and severity = 'fail')::bigint as expectations_failed,
        string_agg(gate || ': ' || table_name || ' ' || expectation, '; ' order by gate, table_name, expectation)
        filter (where not success) as broken_expectations
    from {{ ref('stg_lake__gate_results') }}
    where {{ in_changed(changed, {'batch_date': 'batch_date'}) }}
    group by batch_date

),

people as (

    select
        batch_date,
        row_count as people
    from {{ ref('stg_lake__exports') }}
    where
        table_name = 'gold.user_features'
        and row_count > 0
        and {{ in_changed(changed, {'batch_date': 'batch_date'}) }}

),

scored as (

    select
        batch_date,
        count(distinct user_id)::bigint as people_scored
    from {{ ref('stg_lake__predictions') }}
    where {{ in_changed(changed, {'batch_date': 'batch_date'}) }}
    group by batch_date

),

decided as (

    select
        batch_date,
        count(*) filter (where horizon = 0)::bigint as decisions,
        count(*) filter (where horizon = 0 and send)::bigint as decisions_sent
    from {{ ref('stg_lake__decisions') }}
    where {{ in_changed(changed, {'batch_date': 'batch_date'}) }}
    group by batch_date

),

spine as (

    select batch_date from audits
    union distinct
    select batch_date from gates
    union distinct
    select batch_date from people
    union distinct
    select batch_date from scored
    union distinct
    select batch_date from decided

),

final as (

    select
        spine.batch_date,
        gates.broken_expectations,
        coalesce(audits.raw_lines, 0) as raw_lines,
        coalesce(audits.accepted_lines, 0) as accepted_lines,
        coalesce(audits.duplicate_lines, 0) as duplicate_lines,
        coalesce(audits.rejected_lines, 0) as rejected_lines,
        coalesce(reasons.rejected_reasons, '{}'::jsonb) as rejected_reasons,
        coalesce(gates.expectations_held, 0) as expectations_held,
        coalesce(gates.expectations_warned, 0) as expectations_warned,
        coalesce(gates.expectations_failed, 0) as expectations_failed,
        coalesce(people.people, 0) as people,
        coalesce(scored.people_scored, 0) as people_scored,
        coalesce(decided.decisions, 0) as decisions,
        coalesce(decided.decisions_sent, 0) as decisions_sent
    from spine
    left join audits on spine.batch_date = audits.batch_date
    left join reasons on spine.batch_date = reasons.batch_date
    left join gates on spine.batch_date = gates.batch_date
    left join people on spine.batch_date = people.batch_date
    left join scored on spine.batch_date = scored.batch_date
    left join decided on spine.batch_date = decided.batch_date

)

select * from final
