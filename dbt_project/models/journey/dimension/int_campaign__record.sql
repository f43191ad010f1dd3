{{ config(materialized='view') }}

-- Mailings, fairs, webinars and paid campaigns, one row each, still under the vendors' own ids.
with

erp_mailings as (
    select * from {{ ref('stg_odoo__mailings') }}
),

erp_utm as (
    select source_instance, campaign_id, campaign_name, created_at, loaded_at, load_id
    from {{ ref('stg_odoo__leads') }}
    where campaign_id is not null
    union all
    select source_instance, campaign_id, campaign_name, created_at, loaded_at, load_id
    from {{ ref('stg_odoo__sale_orders') }}
    where campaign_id is not null
),

crm_emails as (
    select * from {{ ref('stg_hubspot__marketing_emails') }}
),

news_campaigns as (
    select * from {{ ref('stg_brevo__campaigns') }}
),

fairs as (
    select * from {{ ref('stg_files__fair_visits') }}
),

webinars as (
    select * from {{ ref('stg_files__webinar_attendance') }}
),

spend as (
    select * from {{ ref('stg_files__ad_spend') }}
),

odoo_mailings as (
    select
        {{ conform('campaign', from_record('erp_mailings', 'mailings', {
            'source_record_id': "'mailing:' || erp_mailings.source_record_id",
            'campaign_name': 'erp_mailings.subject',
            'campaign_type_code': "'newsletter'",
            'channel_code': "'email'",
            'started_at': 'coalesce(erp_mailings.sent_at, erp_mailings.scheduled_at)'
        })) }}
    from erp_mailings
),

odoo_utm as (
    select
        {{ conform('campaign', {
            'source_system': "'odoo'",
            'source_instance': 'erp_utm.source_instance',
            'source_object': "'leads'",
            'source_record_id': "'utm:' || erp_utm.campaign_id",
            'campaign_name': 'min(erp_utm.campaign_name)',
            'campaign_type_code': "'other'",
            'started_at': 'min(erp_utm.created_at)',
            'loaded_at': 'max(erp_utm.loaded_at)',
            'load_id': 'max(erp_utm.load_id)'
        }) }}
    from erp_utm
    group by erp_utm.source_instance, erp_utm.campaign_id
),

hubspot as (
    select
        {{ conform('campaign', from_record('crm_emails', 'marketing_emails', {
            'campaign_name': 'crm_emails.name',
            'campaign_type_code': "'newsletter'",
            'channel_code': "'email'",
            'started_at': 'coalesce(crm_emails.published_at, crm_emails.created_at)'
        })) }}
    from crm_emails
),

brevo as (
    select
        {{ conform('campaign', from_record('news_campaigns', 'campaigns', {
            'campaign_name': 'news_campaigns.name',
            'campaign_type_code': "'newsletter'",
            'channel_code': "'email'",
            'started_at': 'coalesce(news_campaigns.sent_at, news_campaigns.created_at)'
        })) }}
    from news_campaigns
),

files_fairs as (
    select
        {{ conform('campaign', {
            'source_system': "'files'",
            'source_instance': 'fairs.source_instance',
            'source_object': "'fair_visits'",
            'source_record_id': "'fair:' || fairs.fair",
            'campaign_name': 'fairs.fair',
            'campaign_type_code': "'fair'",
            'channel_code': "'event'",
            'started_at': 'min(fairs.visited_on)',
            'ended_at': 'max(fairs.visited_on)',
            'cost_amount': 'null',
            'currency_code': 'null',
            'source_updated_at': 'max(fairs.source_updated_at)',
            'loaded_at': 'max(fairs.loaded_at)',
            'load_id': 'max(fairs.load_id)'
        }) }}
    from fairs
    group by fairs.source_instance, fairs.fair
),

files_webinars as (
    select
        {{ conform('campaign', {
            'source_system': "'files'",
            'source_instance': 'webinars.source_instance',
            'source_object': "'webinar_attendance'",
            'source_record_id': "'webinar:' || webinars.webinar",
            'campaign_name': 'webinars.webinar',
            'campaign_type_code': "'webinar'",
            'channel_code': "'event'",
            'started_at': 'min(webinars.held_at)',
            'ended_at': 'max(webinars.held_at)',
            'cost_amount': 'null',
            'currency_code': 'null',
            'source_updated_at': 'max(webinars.source_updated_at)',
            'loaded_at': 'max(webinars.loaded_at)',
            'load_id': 'max(webinars.load_id)'
        }) }}
    from webinars
    group by webinars.source_instance, webinars.webinar
),

files_ads as (
    select
        {{ conform('campaign', {
            'source_system': "'files'",
            'source_instance': 'spend.source_instance',
            'source_object': "'ad_spend'",
            'source_record_id': "'ad:' || spend.campaign",
            'campaign_name': 'spend.campaign',
            'campaign_type_code': "'paid'",
            'channel_code': 'min(spend.channel)',
            'started_at': 'min(spend.spent_on)',
            'ended_at': 'max(spend.spent_on)',
            'cost_amount': 'sum(spend.cost_amount)',
            'currency_code': 'min(spend.currency_code)',
            'source_updated_at': 'max(spend.source_updated_at)',
            'loaded_at': 'max(spend.loaded_at)',
            'load_id': 'max(spend.load_id)'
        }) }}
    from spend
    group by spend.source_instance, spend.campaign
)

select * from odoo_mailings
union all
select * from odoo_utm
union all
select * from hubspot
union all
select * from brevo
union all
select * from files_fairs
union all
select * from files_webinars
union all
select * from files_ads
