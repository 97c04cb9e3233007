{#
    The circumstances of a workout as spark_jobs.features.contexts defines them for gold.user_day_context; a contract
    test compares the two.
#}
{% macro time_slot(local_at) -%}
    case
        when extract(hour from {{ local_at }}) >= 22 then 'night'
        when extract(hour from {{ local_at }}) >= 18 then 'evening'
        when extract(hour from {{ local_at }}) >= 14 then 'afternoon'
        when extract(hour from {{ local_at }}) >= 11 then 'midday'
        when extract(hour from {{ local_at }}) >= 7 then 'morning'
        when extract(hour from {{ local_at }}) >= 4 then 'early_morning'
        else 'night'
    end
{%- endmacro %}

{# Temperature in degrees Fahrenheit. #}
{% macro weather_band(weather, temperature) -%}
    case
        when {{ weather }} in ('rain', 'snow', 'storm') then 'wet'
        when {{ temperature }} < 41 then 'cold'
        when {{ temperature }} > 86 then 'hot'
        when {{ weather }} is not null or {{ temperature }} is not null then 'fair'
        else 'unknown'
    end
{%- endmacro %}

{% macro place(location) -%}
    case
        when lower(trim({{ location }})) in ('home', 'gym', 'outdoors', 'work', 'other') then lower(trim({{ location }}))
        when trim({{ location }}) <> '' then 'other'
        else 'unknown'
    end
{%- endmacro %}
