{{ config(materialized='view') }}

-- Source record -> account: what every touchpoint and fact joins to. One row per source record.
select
    source_system,
    source_instance,
    source_record_id,
    entity_key as account_key
from {{ ref('int_identity__entity') }}
where entity_type = 'account'
