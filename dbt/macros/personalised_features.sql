{#
    The app's features whose content is made for the person: the plan, the goal, the times, the insights and the
    messages that this platform decides on. Only names that the app reports are ever counted.
#}
{% macro personalised_features() -%}
    ('workout_plan', 'goal_suggestion', 'recommended_times', 'personal_insights', 'personal_message')
{%- endmacro %}
