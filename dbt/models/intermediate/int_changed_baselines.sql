-- People of whom a day up to the end of their baseline weeks changed, or who are gone.
select distinct changed.user_id
from {{ source('changes', '_changed_days') }} as changed
left join {{ ref('dim_user') }} as people on changed.user_id = people.user_id and people.is_current
where people.cohort_week is null or changed.local_date < people.cohort_week + 21
