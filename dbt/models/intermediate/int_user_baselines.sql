{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        meta={'changed': 'int_changed_baselines', 'changed_key': ['user_id'], 'model_key': ['user_id']}
    )
}}

{% set changed = ref('int_changed_baselines') %}

with users as (

    select
        user_id,
        cohort_week
    from {{ ref('dim_user') }}
    where
        is_current
        and cohort_week is not null
        and {{ in_changed(changed, {'user_id': 'user_id'}) }}

),

-- the first week of use is rarely a whole one: the two after it are the baseline
final as (

    select
        users.user_id,
        users.cohort_week + 21 as compared_from,
        coalesce(sum(facts.workouts_planned), 0)::bigint as workouts_planned,
        coalesce(sum(facts.workouts_completed), 0)::bigint as workouts_completed
    from users
    left join {{ ref('fct_user_day') }} as facts
        on
            users.user_id = facts.user_id
            and facts.local_date between users.cohort_week + 7 and users.cohort_week + 20
    group by
        users.user_id,
        users.cohort_week

)

select * from final
