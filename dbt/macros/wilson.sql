{#
    One end ('low' or 'high') of the Wilson interval of a share, 95 %; null without trials.
    Wilson 1927: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n), z 1.96.
#}
{% macro wilson(successes, trials, end) -%}
    {%- set z = 1.959964 -%}
    {%- set n = 'nullif(' ~ trials ~ ', 0)::numeric' -%}
    {%- set p = '(' ~ successes ~ ' / ' ~ n ~ ')' -%}
    case when {{ trials }} > 0 then round(greatest(0, least(1,
        ({{ p }} + {{ z * z }} / (2 * {{ n }})
        {{ '-' if end == 'low' else '+' }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }}
        + {{ z * z }} / (4 * {{ n }} * {{ n }})))
        / (1 + {{ z * z }} / {{ n }})
    )), 4) end
{%- endmacro %}
