{#
    Incremental strategy `replace_changed`: delete the rows of every changed key, insert what was computed for them.
    Unlike delete+insert it also removes rows whose key no longer has any fact (a rerun, an erasure). The model's
    meta `changed` names the table of source 'changes', or the model that derives its keys from them (`int_changed_*`);
    `changed_key` says how the model's rows spell each of its columns.
#}
{% macro get_incremental_replace_changed_sql(arg_dict) %}
    {%- set meta = config.get('meta') -%}
    {%- set changed = meta['changed'] -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where ({{ meta['model_key'] | join(', ') }}) in (
        select {{ meta['changed_key'] | join(', ') }}
        from {{ source('changes', changed) if changed.startswith('_') else ref(changed) }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{% endmacro %}
