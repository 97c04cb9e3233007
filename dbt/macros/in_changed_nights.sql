{# True for rows of the nights that changed since the last export; on a first or full build, for every row. #}
{% macro in_changed_nights(column) -%}
    {%- if is_incremental() and var('nights') -%}
        {{ column }} in ({% for night in var('nights') %}date '{{ night }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
