{# The success metrics of the founding document in its order. A comparison of more_than holds without equality. #}
{% macro kpis() %}
    select
        kpi,
        position,
        area,
        name,
        comparison,
        target,
        unit,
        definition,
        missing_because
    from (
        values
        (
            'model_accuracy', 1, 'technical', 'Prediction accuracy', 'more_than', 0.75, 'share',
            'Adherence model: correct predictions at 50 % over people predicted on the Sunday before the week; n: people',
            'no prediction for this week has been followed to its end'
        ),
        (
            'model_f1', 2, 'technical', 'Prediction F1', 'more_than', 0.8, 'share',
            'Adherence model: F1 at 50 % of the predictions of the Sunday before the week; n: people',
            'no prediction for this week has been followed to its end'
        ),
        (
            'response_time', 3, 'technical', 'Response time', 'less_than', 200, 'milliseconds',
            'Time in which the app answers; n: requests',
            'the app''s answers are not among the data of this platform'
        ),
        (
            'uptime', 4, 'technical', 'Uptime', 'at_least', 0.999, 'share',
            'Share of the time in which the app is available; n: minutes',
            'whether the app was up cannot be seen from the data of this platform'
        ),
        (
            'data_completeness', 5, 'technical', 'Data completeness', 'more_than', 0.95, 'share',
            'Optional values present over values expected (mart_data_quality), nights of the week; n: values expected',
            'no night of this week expected a value'
        ),
        (
            'data_accuracy', 6, 'technical', 'Data accuracy', 'more_than', 0.98, 'share',
            'Lines that met their contract over lines that arrived, duplicates aside, nights of the week; n: lines',
            'nothing arrived in the nights of this week'
        ),
        (
            'habit_66_days', 7, 'behaviour', 'Automatic by day 66', null, null, 'share',
            'People automatic by day 66 after their first session, of those who came to it in the four weeks up to this'
            || ' week''s Sunday; n: people',
            'nobody came to day 66 after the first session in the four weeks up to this Sunday'
        ),
        (
            'adherence_improvement', 8, 'behaviour', 'Improvement of adherence', 'at_least', 0.3, 'share',
            'Relative change of mean weekly adherence against the same people''s baseline, their second and third week:'
            || ' before and after, without a comparison group; n: people',
            'fewer than {{ var('smallest_cell') }} people with a baseline had workouts planned this week'
        ),
        (
            'positive_response', 9, 'behaviour', 'Positive response to interventions', 'at_least', 0.6, 'share',
            'Delivered interventions acted on or rated with four stars or more, of those delivered; n: deliveries',
            'no intervention decided on for this week was delivered'
        ),
        (
            'retention_8_weeks', 10, 'business', 'Retention at 8 weeks', 'at_least', 0.35, 'share',
            'People with any sign of use this week, of those who came eight weeks before; n: people of the cohort',
            'fewer than {{ var('smallest_cell') }} people came eight weeks before'
        ),
        (
            'daily_active_increase', 11, 'business', 'Increase of daily active people', 'at_least', 0.25, 'share',
            'Relative change of mean daily active people against the time before the platform; n: days',
            'no figures from before the platform are known; mart_active_users_daily has those since'
        ),
        (
            'goal_increase', 12, 'business', 'Increase of people reaching their goals', 'at_least', 0.4, 'share',
            'Relative change of the share of people who reached their goal against the time before the platform; n: people',
            'no figures from before the platform are known; mart_goal_achievement has those since'
        ),
        (
            'onboarding_completion', 13, 'experience', 'Onboarding completed', 'at_least', 0.8, 'share',
            'People who reached habit_formation within 60 days, the last stage with an end, of the cohort that came nine'
            || ' weeks before; n: people of the cohort',
            'fewer than {{ var('smallest_cell') }} people came nine weeks before'
        ),
        (
            'personalised_adoption', 14, 'experience', 'Adoption of personalised features', 'at_least', 0.7, 'share',
            'People who used a feature whose content is made for them, of those active in the week; n: active people',
            'fewer than {{ var('smallest_cell') }} people used a personalised feature this week'
        ),
        (
            'stars', 15, 'experience', 'Star rating', 'at_least', 4.5, 'stars',
            'Mean stars of the answers in the four weeks up to this week''s Sunday; n: answers',
            'nobody gave stars in the four weeks'
        ),
        (
            'nps', 16, 'experience', 'Net promoter score', 'more_than', 50, 'points',
            'Share of answers 9 and 10 less share of answers 0 to 6, times 100, in the four weeks up to this week''s'
            || ' Sunday; n: answers',
            'nobody was asked in the four weeks'
        )
    ) as kpis (kpi, position, area, name, comparison, target, unit, definition, missing_because)
{% endmacro %}
