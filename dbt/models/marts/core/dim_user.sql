{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        indexes=[{'columns': ['cohort_week']}],
        meta={'changed': '_changed_users', 'changed_key': ['user_id'], 'model_key': ['user_id']}
    )
}}

{% set changed = source('changes', '_changed_users') %}
{% set attributes = [
    'fitness_level', 'primary_goal', 'target_sessions_per_week', 'subscription_tier', 'time_zone',
    'communication_style', 'notifications_allowed'
] %}

with versions as (

    select
        user_id,
        batch_date as known_from,
        {{ attributes | join(',\n        ') }},
        jsonb_build_array({{ attributes | join(', ') }}) as attributes
    from {{ ref('stg_lake__profile_versions') }}
    where {{ in_changed(changed, {'user_id': 'user_id'}) }}

),

compared as (

    select
        *,
        row_number() over user_versions = 1 as is_first,
        lag(attributes) over user_versions as last_attributes
    from versions
    window user_versions as (partition by user_id order by known_from)

),

-- a version in which only personal columns differ, such as the weight, is no other version here
distinct_versions as (

    select *
    from compared
    where is_first or attributes <> last_attributes

),

firsts as (

    select
        user_id,
        min(local_date) as first_local_date
    from {{ ref('fct_user_day') }}
    where {{ in_changed(changed, {'user_id': 'user_id'}) }}
    group by user_id

),

joined as (

    select
        firsts.first_local_date,
        coalesce(distinct_versions.user_id, firsts.user_id) as user_id,
        case
            when distinct_versions.is_first is false then distinct_versions.known_from
            -- what a person did before the first profile arrived is seen through it; least() passes over nulls
            else least(distinct_versions.known_from, firsts.first_local_date)
        end as valid_from,
        distinct_versions.{{ attributes | join(',\n        distinct_versions.') }}
    from distinct_versions
    full outer join firsts on distinct_versions.user_id = firsts.user_id

),

final as (

    select
        user_id,
        valid_from,
        lead(valid_from) over user_rows as valid_to,
        lead(valid_from) over user_rows is null as is_current,
        first_local_date,
        date_trunc('week', first_local_date::timestamp)::date as cohort_week,
        {{ attributes | join(',\n        ') }}
    from joined
    window user_rows as (partition by user_id order by valid_from)

)

select * from final
