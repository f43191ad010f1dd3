-- The accounts whose rows in the journey are not what they would be now: something was loaded, corrected or deleted, a record went over to
-- another account (both count), a rule decides differently, or time alone brought a lapse. The journey rebuilds these and no others.
-- Compared are the narrow columns that decide everything else; what no comparison sees, the code and the steward's tables, is seen by
-- the fingerprint of the last build that succeeded.
{% set journey = stored('fct_customer_journey') -%}
{% set carries_on = may_carry_on('fct_customer_journey', 'int_journey__built') -%}
{% set columns = [
    'touchpoint_key', 'account_key', 'contact_key', 'occurred_at', 'loaded_at', 'net_amount', 'source_record_url', 'account_lifecycle_code',
    'touchpoint_phase_code', 'journey_phase_rule_id', 'account_phase_code', 'journey_phase_key', 'journey_cycle_number'
] -%}
with

current_rows as (
    select
        touchpoints.touchpoint_key,
        touchpoints.account_key,
        touchpoints.contact_key,
        touchpoints.occurred_at,
        touchpoints.loaded_at,
        cast(touchpoints.net_reporting_amount as decimal(18, 2)) as net_amount,
        touchpoints.source_record_url,
        evidence.account_lifecycle_code,
        evidence.touchpoint_phase_code,
        evidence.journey_phase_rule_id,
        state.account_phase_code,
        visits.journey_phase_key,
        visits.journey_cycle_number
    from {{ ref('int_touchpoint__unioned') }} as touchpoints
    inner join {{ ref('int_journey__evidence') }} as evidence
        on touchpoints.touchpoint_key = evidence.touchpoint_key
    left join {{ ref('int_journey__state') }} as state
        on touchpoints.touchpoint_key = state.moment_key and state.is_touchpoint
    left join {{ ref('int_journey__visit') }} as visits
        on touchpoints.account_key = visits.account_key and state.visit_number = visits.visit_number
),

{% if carries_on -%}
stored_rows as (
    select {{ columns | join(', ') }} from {{ journey }}
),

differing as (
    (
        select {{ columns | join(', ') }} from current_rows
        except
        select {{ columns | join(', ') }} from stored_rows
    )
    union all
    (
        select {{ columns | join(', ') }} from stored_rows
        except
        select {{ columns | join(', ') }} from current_rows
    )
),

final as (
    select distinct account_key from differing
)
{%- else -%}
final as (
    select account_key from current_rows
    {%- if journey %}
    union distinct
    select account_key from {{ journey }}
    {%- else %}
    group by account_key
    {%- endif %}
)
{%- endif %}

select * from final
