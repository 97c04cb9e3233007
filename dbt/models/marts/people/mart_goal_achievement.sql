{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        tags=['leaves_the_team'],
        meta={'changed': '_changed_week_ends', 'changed_key': ['as_of_date'], 'model_key': ['week_end_date']}
    )
}}

{% set changed = source('changes', '_changed_week_ends') %}
{% set goals = ['main', 'weight', 'sessions', 'steps', 'strength', 'stress'] %}

with people as (

    -- a person who moved west ends the same week twice: as known last
    select distinct on (user_id, as_of_date) *
    from {{ ref('stg_lake__user_weeks') }}
    where {{ in_changed(changed, {'as_of_date': 'as_of_date'}) }}
    order by
        user_id asc,
        as_of_date asc,
        batch_date desc

),

progresses as (

    {% for goal in goals %}
        select
            as_of_date,
            '{{ goal }}' as goal,
            {{ 'goal_progress' if goal == 'main' else 'goal_progress_' ~ goal }}::numeric as progress
        from people
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

goals as (

    select
        as_of_date as week_end_date,
        goal,
        count(*)::bigint as people,
        count(*) filter (where progress >= 1)::bigint as reached,
        avg(progress) as mean_progress
    from progresses
    where progress is not null
    group by
        as_of_date,
        goal

),

final as (

    select
        week_end_date,
        goal,
        {{ suppress_small('people', 'people') }} as people,
        {{ suppress_small('people', 'reached') }} as reached,
        {{ suppress_small('people', 'round(reached::numeric / people, 4)') }} as reached_share,
        {{ suppress_small('people', wilson('reached', 'people', 'low')) }} as reached_share_low,
        {{ suppress_small('people', wilson('reached', 'people', 'high')) }} as reached_share_high,
        {{ suppress_small('people', 'round(mean_progress, 4)') }} as mean_progress
    from goals

)

select * from final
