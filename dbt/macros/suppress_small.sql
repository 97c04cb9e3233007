{#
    Small cells: a figure about fewer people than the smallest cell allowed is withheld (null), so that it cannot be
    traced to one of them. For marts tagged `leaves_the_team`; the count of people itself is withheld the same way.
#}
{% macro suppress_small(people, value) -%}
    case when {{ people }} >= {{ var('smallest_cell') }} then {{ value }} end
{%- endmacro %}
