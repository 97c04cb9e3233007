{# Reconciliation: fails when a total of the model differs from a total of another one (both 0 when empty). #}
{% test same_total(model, value, other_model, other_value) %}
    select
        ours.total as our_total,
        theirs.total as their_total
    from (select coalesce({{ value }}, 0) as total from {{ model }}) as ours
    cross join (select coalesce({{ other_value }}, 0) as total from {{ other_model }}) as theirs
    where ours.total <> theirs.total
{% endtest %}
