-- Dates whose active people of up to 30 days must be counted anew.
select distinct changed.local_date + later.days as local_date
from (select distinct local_date from {{ source('changes', '_changed_days') }}) as changed
cross join generate_series(0, 29) as later (days)
