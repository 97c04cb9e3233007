{{
    config(
        materialized='incremental',
        incremental_strategy='replace_changed',
        on_schema_change='fail',
        indexes=[{'columns': ['local_date']}],
        meta={
            'changed': '_changed_workouts',
            'changed_key': ['user_id', 'workout_id'],
            'model_key': ['user_id', 'workout_id']
        }
    )
}}

{% set changed = source('changes', '_changed_workouts') %}

with events as (

    select
        *,
        case event_type
            when 'workout_completed' then 1
            when 'workout_skipped' then 2
            when 'workout_started' then 3
            else 4
        end as standing,
        case when event_type = 'workout_planned' then planned_for else event_at end as happened_at
    from {{ ref('stg_lake__workout_events') }}
    where {{ in_changed(changed, {'user_id': 'user_id', 'workout_id': 'workout_id'}) }}

),

spans as (

    select
        user_id,
        workout_id,
        max(batch_date) as known_on,
        (array_agg(planned_for order by event_at desc, event_id asc) filter (where event_type = 'workout_planned'))[1]
            as planned_for,
        min(event_at) filter (where event_type = 'workout_started') as started_at,
        max(event_at) filter (where event_type = 'workout_completed') as completed_at,
        max(event_at) filter (where event_type = 'workout_skipped') as skipped_at
    from events
    group by
        user_id,
        workout_id

),

-- the event that says what became of the workout
decisive as (

    select distinct on (user_id, workout_id) *
    from events
    order by
        user_id asc,
        workout_id asc,
        standing asc,
        event_at desc,
        event_id asc

),

-- the zone in force as known in the event's batch: the newest version until then, else the earliest, else the phone's
zoned as (

    select
        decisive.*,
        coalesce(
            decisive.happened_at at time zone zones.time_zone,
            (decisive.happened_at at time zone 'UTC') + decisive.event_offset_s * interval '1 second'
        ) as local_at
    from decisive
    left join lateral (
        select versions.time_zone
        from {{ ref('stg_lake__profile_versions') }} as versions
        where
            versions.user_id = decisive.user_id
            and versions.batch_date <= decisive.batch_date
            and versions.time_zone in (select known.name from pg_timezone_names as known)
        order by
            versions.event_at > decisive.happened_at asc,
            abs(extract(epoch from versions.event_at - decisive.happened_at)) asc,
            versions.batch_date desc
        limit 1
    ) as zones on true

),

placed as (

    select
        *,
        local_at::date as local_date,
        coalesce(
            time_of_day,
            {{ time_slot("local_at - case when standing = 1 then round(duration_s) else 0 end * interval '1 second'") }}
        ) as time_slot,
        {{ weather_band('weather', 'weather_temperature') }} as weather_band,
        {{ place('location') }} as place,
        coalesce(social_context, 'unknown') as with_whom
    from zoned

),

final as (

    select
        placed.user_id,
        placed.workout_id,
        placed.local_date,
        spans.known_on,
        substr(placed.event_type, length('workout_') + 1) as status,
        placed.time_slot || '/' || placed.weather_band || '/' || placed.place || '/' || placed.with_whom as context_id,
        spans.planned_for is not null as is_planned,
        spans.planned_for,
        spans.started_at,
        spans.completed_at,
        spans.skipped_at,
        placed.workout_type,
        placed.intensity,
        case when placed.standing = 1 then round(placed.duration_s::numeric / 60, 1) end as duration_minutes,
        case when placed.standing = 1 then round(placed.completion_rate::numeric, 3) end as completion_rate,
        case when placed.standing = 2 then placed.skip_reason end as skip_reason
    from placed
    inner join spans on placed.user_id = spans.user_id and placed.workout_id = spans.workout_id

)

select * from final
