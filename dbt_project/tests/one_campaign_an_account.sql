-- An account that is to be kept is not offered more at the same time.
select growth.account_key, growth.growth_type_code
from {{ ref('mart_growth_target') }} as growth
inner join {{ ref('mart_retention_target') }} as retention
    on growth.account_key = retention.account_key
where growth.is_selected and retention.is_selected
