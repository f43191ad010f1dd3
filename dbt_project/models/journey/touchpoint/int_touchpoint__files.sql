{{ config(materialized='view') }}

-- What people hand in as files: visits at fairs, webinars, orders on marketplaces.
with

fair_visits as (
    select * from {{ ref('stg_files__fair_visits') }}
),

webinars as (
    select * from {{ ref('stg_files__webinar_attendance') }}
),

-- A file has one row per order line; the touchpoint is the order.
marketplace_orders as (
    select
        source_system,
        source_instance,
        marketplace || ':' || order_number as source_record_id,
        min({{ file_company_id('buyer_company', 'buyer_zip') }}) as company_id,
        min(ordered_at) as ordered_at,
        min(marketplace) as marketplace,
        sum(net_amount) as net_amount,
        min(currency_code) as currency_code,
        max(source_updated_at) as source_updated_at,
        max(loaded_at) as loaded_at,
        max(load_id) as load_id
    from {{ ref('stg_files__marketplace_orders') }}
    group by source_system, source_instance, marketplace || ':' || order_number
),

visited as (
    select
        {{ touchpoint('fair_visits', 'fair_visits', 'visited', {
            'touchpoint_type_code': "'fair_visit'",
            'occurred_at': 'cast(fair_visits.visited_on as timestamp)',
            'account_record_id': file_company_id('fair_visits.company', 'fair_visits.zip'),
            'contact_record_id': "'fair_visits:' || fair_visits.source_record_id",
            'campaign_record_id': "'fair:' || fair_visits.fair",
            'source_metadata': json_object_text({'fair': 'fair_visits.fair', 'topic': 'fair_visits.topic'})
        }) }}
    from fair_visits
),

attended as (
    select
        {{ touchpoint('webinars', 'webinar_attendance', 'attended', {
            'touchpoint_type_code': "case when webinars.attended then 'webinar_attended' else 'webinar_registered' end",
            'occurred_at': 'webinars.held_at',
            'account_record_id': file_company_id('webinars.company', 'null'),
            'contact_record_id': "'webinar_attendance:' || webinars.source_record_id",
            'campaign_record_id': "'webinar:' || webinars.webinar",
            'duration_seconds': '60 * webinars.minutes',
            'source_metadata': json_object_text({'webinar': 'webinars.webinar'})
        }) }}
    from webinars
),

ordered as (
    select
        {{ touchpoint('marketplace_orders', 'marketplace_orders', 'ordered', {
            'touchpoint_type_code': "'marketplace_order'",
            'occurred_at': 'marketplace_orders.ordered_at',
            'account_record_id': 'marketplace_orders.company_id',
            'order_record_id': 'marketplace_orders.source_record_id',
            'net_amount': 'marketplace_orders.net_amount',
            'currency_code': 'marketplace_orders.currency_code',
            'source_metadata': json_object_text({'marketplace': 'marketplace_orders.marketplace'})
        }) }}
    from marketplace_orders
)

select * from visited
union all
select * from attended
union all
select * from ordered
