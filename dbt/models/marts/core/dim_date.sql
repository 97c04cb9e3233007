{{ config(tags=['fixed_values']) }}

with days as (

    select day_at::date as date_day
    from generate_series('2015-01-01'::timestamp, '2039-12-31'::timestamp, interval '1 day') as series (day_at)

),

final as (

    select
        date_day,
        extract(isodow from date_day)::integer as weekday_number,
        to_char(date_day, 'FMDay') as day_name,
        extract(isodow from date_day) >= 6 as is_weekend,
        date_trunc('week', date_day::timestamp)::date as week_start_date,
        to_char(date_day, 'IYYY-"W"IW') as iso_week,
        date_trunc('month', date_day::timestamp)::date as month_start_date,
        extract(quarter from date_day)::integer as quarter_number,
        extract(year from date_day)::integer as year_number
    from days

)

select * from final
