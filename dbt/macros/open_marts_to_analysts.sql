{# Analysts read the schema marts, with what will be added to it, and nothing else. #}
{% macro open_marts_to_analysts() %}
    {% if execute and flags.WHICH in ('build', 'run') %}
        do $$
        begin
            if not has_schema_privilege('habitlake_analyst', 'marts', 'usage') then
                grant usage on schema marts to habitlake_analyst;
                alter default privileges in schema marts grant select on tables to habitlake_analyst;
            end if;
        end
        $$
    {% endif %}
{% endmacro %}
