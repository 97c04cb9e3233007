{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': '_changed_nights', 'changed_key': ['batch_date'], 'model_key': ['batch_date']}
    )
}}

{% set changed = source('changes', '_changed_nights') %}

with consistent as (

    select
        batch_date,
        user_id,
        as_of_date,
        'consistency' as criterion
    from {{ ref('stg_lake__user_features') }}
    where
        consistency_score > 0.6
        and days_since_first_event <= 90
        and {{ in_changed(changed, {'batch_date': 'batch_date'}) }}

),

habitual as (

    select
        batch_date,
        user_id,
        as_of_date,
        'habit' as criterion
    from {{ ref('stg_lake__habit_points') }}
    where
        habit_score > 0.8
        and days_since_start <= 90
        and {{ in_changed(changed, {'batch_date': 'batch_date'}) }}

),

final as (

    select * from consistent
    union all
    select * from habitual

)

select * from final
