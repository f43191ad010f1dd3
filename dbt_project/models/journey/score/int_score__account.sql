-- What the scores must know of an account besides its orders.
select
    accounts.account_key,
    accounts.segment_code,
    accounts.has_running_contract,
    accounts.renewal_on,
    accounts.is_blocked,
    accounts.account_class_code as account_class,
    visits.journey_phase_code as current_phase_code
from {{ ref('dim_account') }} as accounts
left join {{ ref('fct_journey_phase') }} as visits
    on accounts.account_key = visits.account_key and visits.is_current
where not accounts.is_unknown
