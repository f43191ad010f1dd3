{{ config(materialized='view') }}

-- What people hand in as files: visits at fairs, webinars, orders on marketplaces. A row of a file is the record of its company and of
-- its person alike; the prefix says which list it stood in.
with

fair_visits as (
    select * from {{ ref('stg_files__fair_visits') }}
),

webinars as (
    select * from {{ ref('stg_files__webinar_attendance') }}
),

marketplace_orders as (
    select * from {{ ref('stg_files__marketplace_orders') }}
),

visited as (
    select
        {{ touchpoint('fair_visits', 'fair_visit', 'visited', {
            'touchpoint_type_code': "'fair_visit'",
            'occurred_at': 'cast(fair_visits.visited_on as timestamp)',
            'account_record_id': "'fair_visits:' || fair_visits.source_record_id",
            'contact_record_id': "'fair_visits:' || fair_visits.source_record_id",
            'campaign_record_id': "'fair:' || fair_visits.fair"
        }) }}
    from fair_visits
),

attended as (
    select
        {{ touchpoint('webinars', 'webinar_attendance', 'attended', {
            'touchpoint_type_code': "case when webinars.attended then 'webinar_attended' else 'webinar_registered' end",
            'occurred_at': 'webinars.held_at',
            'account_record_id': "'webinar_attendance:' || webinars.source_record_id",
            'contact_record_id': "'webinar_attendance:' || webinars.source_record_id",
            'campaign_record_id': "'webinar:' || webinars.webinar",
            'duration_seconds': '60 * webinars.minutes'
        }) }}
    from webinars
),

marketplace_totals as (
    select
        source_system,
        source_instance,
        marketplace || ':' || order_number as source_record_id,
        min(source_record_id) as first_line_id,
        min(ordered_at) as ordered_at,
        sum(net_amount) as net_amount,
        min(currency_code) as currency_code,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at,
        max(load_id) as load_id
    from marketplace_orders
    group by source_system, source_instance, marketplace || ':' || order_number
),

ordered as (
    select
        {{ touchpoint('marketplace_totals', 'marketplace_order', 'ordered', {
            'touchpoint_type_code': "'marketplace_order'",
            'occurred_at': 'marketplace_totals.ordered_at',
            'account_record_id': "'marketplace_orders:' || marketplace_totals.first_line_id",
            'contact_record_id': "'marketplace_orders:' || marketplace_totals.first_line_id",
            'order_record_id': 'marketplace_totals.source_record_id',
            'net_amount': 'marketplace_totals.net_amount',
            'currency_code': 'marketplace_totals.currency_code'
        }) }}
    from marketplace_totals
)

select * from visited
union all
select * from attended
union all
select * from ordered
