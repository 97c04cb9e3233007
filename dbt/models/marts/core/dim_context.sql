{{ config(tags=['fixed_values']) }}

with slots (time_slot) as (

    values ('early_morning'), ('morning'), ('midday'), ('afternoon'), ('evening'), ('night')

),

bands (weather_band) as (

    values ('wet'), ('cold'), ('hot'), ('fair'), ('unknown')

),

places (place) as (

    values ('home'), ('gym'), ('outdoors'), ('work'), ('other'), ('unknown')

),

companies (with_whom) as (

    values ('alone'), ('partner'), ('group'), ('unknown')

),

final as (

    select
        slots.time_slot || '/' || bands.weather_band || '/' || places.place || '/' || companies.with_whom as context_id,
        slots.time_slot,
        bands.weather_band,
        places.place,
        companies.with_whom
    from slots
    cross join bands
    cross join places
    cross join companies

)

select * from final
