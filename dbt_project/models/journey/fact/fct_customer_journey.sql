{{ rebuilt_by_account('int_journey__touched') }}

-- The customer journey: one row per touchpoint, at the account that its source record belongs to. Only the accounts that were touched are
-- made anew, and those as a whole, because every number below counts over an account's history. The hook deletes them first: an account
-- that has lost its last touchpoint, by a merge or a deletion, has no new rows that could replace the old ones.
with

{% if is_incremental() -%}
touched as (
    select account_key from {{ ref('int_journey__touched') }}
),

touchpoints as (
    select touchpoints.*
    from {{ ref('int_touchpoint__unioned') }} as touchpoints
    inner join touched
        on touchpoints.account_key = touched.account_key
),
{%- else -%}
-- depends_on: {{ ref('int_journey__touched') }}
touchpoints as (
    select * from {{ ref('int_touchpoint__unioned') }}
),
{%- endif %}

evidence as (
    select * from {{ ref('int_journey__evidence') }}
),

state as (
    select moment_key, account_phase_code, visit_number, starts_visit from {{ ref('int_journey__state') }}
    where is_touchpoint
),

visits as (
    select * from {{ ref('int_journey__visit') }}
),

types as (
    select * from {{ ref('touchpoint_type') }}
),

joined as (
    select
        touchpoints.*,
        evidence.account_lifecycle_code,
        evidence.touchpoint_phase_code,
        evidence.journey_phase_rule_id,
        evidence.phase_confidence,
        state.account_phase_code,
        state.starts_visit,
        visits.journey_phase_key,
        visits.journey_cycle_number,
        visits.is_resumption as visit_is_resumption,
        types.channel_code,
        types.direction,
        types.touchpoint_relation_code,
        types.is_exposure,
        types.is_content_consumption,
        types.is_conversion,
        types.is_attributable,
        types.default_value_points
    from touchpoints
    inner join evidence
        on touchpoints.touchpoint_key = evidence.touchpoint_key
    left join types
        on touchpoints.touchpoint_type_code = types.touchpoint_type_code
    left join state
        on touchpoints.touchpoint_key = state.moment_key
    left join visits
        on touchpoints.account_key = visits.account_key and state.visit_number = visits.visit_number
),

numbered as (
    select
        *,
        row_number() over (partition by account_key order by occurred_at, touchpoint_key) as account_touchpoint_number,
        case
            when contact_key is not null
                then row_number() over (partition by account_key, contact_key order by occurred_at, touchpoint_key)
        end as contact_touchpoint_number,
        row_number() over (partition by account_key, journey_phase_key order by occurred_at, touchpoint_key) as phase_touchpoint_number,
        lag(occurred_at) over (partition by account_key order by occurred_at, touchpoint_key) as previous_occurred_at,
        case
            when is_content_consumption
                then sum(case when is_content_consumption then 1 else 0 end) over (
                    partition by account_key, journey_cycle_number order by occurred_at, touchpoint_key
                    rows between unbounded preceding and current row
                )
        end as content_sequence_number,
        min(case when is_conversion or touchpoint_type_code = 'deal_won' then occurred_at end) over (
            partition by account_key, journey_cycle_number
        ) as cycle_converted_at
    from joined
),

final as (
    select
        touchpoint_key,
        account_key,
        contact_key,
        opportunity_key,
        order_key,
        case_key,
        campaign_key,
        product_key,
        employee_key,
        occurred_at,
        {{ date_key('occurred_at') }} as occurred_date_key,
        touchpoint_type_code,
        channel_code,
        direction,
        touchpoint_relation_code,
        account_lifecycle_code,
        touchpoint_phase_code,
        journey_phase_rule_id,
        cast(phase_confidence as decimal(5, 4)) as phase_confidence,
        account_phase_code,
        journey_phase_key,
        journey_cycle_number,
        cast(account_touchpoint_number as integer) as account_touchpoint_number,
        cast(contact_touchpoint_number as integer) as contact_touchpoint_number,
        cast(phase_touchpoint_number as integer) as phase_touchpoint_number,
        previous_occurred_at,
        {{ seconds_between('previous_occurred_at', 'occurred_at') }} as seconds_since_previous,
        cast(content_sequence_number as integer) as content_sequence_number,
        case
            when occurred_at <= cycle_converted_at
                then {{ days_between('occurred_at', 'cycle_converted_at') }}
        end as days_to_cycle_conversion,
        account_touchpoint_number = 1 as is_first_touch,
        coalesce(starts_visit, false) as is_phase_opening,
        coalesce(starts_visit and visit_is_resumption, false) as is_resumption,
        is_exposure,
        is_content_consumption,
        is_conversion,
        is_attributable,
        cast(default_value_points as decimal(9, 2)) as value_points,
        cast(gross_reporting_amount as decimal(18, 2)) as gross_amount,
        cast(net_reporting_amount as decimal(18, 2)) as net_amount,
        cast(margin_reporting_amount as decimal(18, 2)) as margin_amount,
        cast(net_amount as decimal(18, 2)) as original_net_amount,
        currency_code as original_currency_code,
        cast(duration_seconds as bigint) as duration_seconds,
        sentiment_code,
        cast(rating_value as decimal(9, 2)) as rating_value,
        rating_scale,
        consent_basis_code,
        data_quality_status,
        {{ days_between('occurred_at', 'loaded_at') }} as late_arrival_days,
        source_metadata,
        source_system,
        source_instance,
        source_object,
        source_record_id,
        source_record_url,
        source_updated_at,
        loaded_at,
        cast(load_id as {{ text_type() }}) as load_id
    from numbered
)

select * from final
