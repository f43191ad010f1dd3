{{ config(materialized='view') }}

-- One row per touchpoint, at the account and person that the source records belong to now. Each join is to a relation that is
-- unique on its join columns, so that the rows stay those of int_touchpoint__event; a test counts both.
with

events as (
    select * from {{ ref('int_touchpoint__event') }}
),

-- Where the vendors show a record to people; empty where no address is configured.
record_links as (
    select * from {{ source('ops', 'record_link') }}
),

run as (
    select as_of_at from {{ source('ops', 'run') }}
),

joined as (
    select
        events.*,
        {{ mapped_account_key() }} as account_key,
        {{ mapped_contact_key() }} as contact_key,
        {{ reporting_amount('events.gross_amount', 'events.currency_code') }} as gross_reporting_amount,
        {{ reporting_amount('events.net_amount', 'events.currency_code') }} as net_reporting_amount,
        {{ reporting_amount('events.margin_amount', 'events.currency_code') }} as margin_reporting_amount,
        record_links.url_template,
        run.as_of_at
    from events
    cross join run
    left join record_links
        on
            events.source_system = record_links.source_system
            and events.source_instance = record_links.source_instance
            and events.source_object = record_links.source_object
    {{ map_joins('events') }}
    {{ rate_join('events', 'events.occurred_at', 'net_amount') }}
),

final as (
    select
        {{ surrogate_key(['source_system', 'source_instance', 'source_object', 'source_record_id', 'event_type']) }} as touchpoint_key,
        account_key,
        contact_key,
        source_system,
        source_instance,
        source_object,
        source_record_id,
        event_type,
        touchpoint_type_code,
        occurred_at,
        {{ object_key('opportunity', 'source_system', 'source_instance', 'opportunity_record_id') }} as opportunity_key,
        {{ object_key('order', 'source_system', 'source_instance', 'order_record_id') }} as order_key,
        {{ object_key('case', 'source_system', 'source_instance', 'case_record_id') }} as case_key,
        {{ object_key('campaign', 'source_system', 'source_instance', 'campaign_record_id') }} as campaign_key,
        {{ product_key('product_number') }} as product_key,
        {{ object_key('employee', 'source_system', 'source_instance', 'employee_record_id') }} as employee_key,
        opportunity_stage_category,
        gross_amount,
        net_amount,
        margin_amount,
        currency_code,
        gross_reporting_amount,
        net_reporting_amount,
        margin_reporting_amount,
        duration_seconds,
        rating_value,
        rating_scale,
        sentiment_code,
        consent_basis_code,
        replace(url_template, '{id}', source_record_id) as source_record_url,
        source_updated_at,
        loaded_at,
        load_id,
        case
            -- Later than the run by more than clocks differ: a typing mistake or a plan, not something that happened.
            when occurred_at > {{ add_days('as_of_at', 1) }} then 'warning'
            when account_key = {{ unknown_key() }} then 'warning'
            when net_amount is not null and net_reporting_amount is null then 'warning'
            else 'ok'
        end as data_quality_status,
        source_metadata
    from joined
)

select * from final
