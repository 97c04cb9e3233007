with events as (

    select * from {{ ref('stg_lake__intervention_events') }}

),

answered as (

    select
        decision_id,
        bool_or(event_type = 'intervention_delivered') as is_delivered,
        bool_or(event_type = 'intervention_opened') as is_opened,
        bool_or(event_type = 'intervention_dismissed') as is_dismissed,
        bool_or(event_type = 'intervention_acted') as is_acted,
        avg(rating) as mean_rating
    from events
    group by decision_id

)

select * from answered
