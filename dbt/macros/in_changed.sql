{#
    The one filter of incremental models: true for rows whose keys changed since the marts were last built; on a
    first or full build, for every row. `changed` is a table of source 'changes', `keys` maps its columns to SQL.
#}
{% macro in_changed(changed, keys) -%}
    {%- if is_incremental() -%}
        ({{ keys.values() | join(', ') }}) in (select {{ keys.keys() | join(', ') }} from {{ changed }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
