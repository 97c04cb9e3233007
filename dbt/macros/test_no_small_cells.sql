{# Fails for every row of a mart that leaves the team in which fewer people are counted than the smallest cell allowed. #}
{% test no_small_cells(model, column_name) %}
    select *
    from {{ model }}
    where {{ column_name }} < {{ var('smallest_cell') }}
{% endtest %}
