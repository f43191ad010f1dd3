{{ config(materialized='view') }}

-- What people allowed or refused, as each system recorded it. No statement means no permission: a system that only knows an address
-- grants nothing.
with

shop_recipients as (
    select * from {{ ref('stg_shopware__newsletter_recipients') }}
),

erp_partners as (
    select * from {{ ref('stg_odoo__partners') }}
    where is_blacklisted and not is_company
),

crm_contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

news_contacts as (
    select * from {{ ref('stg_brevo__contacts') }}
),

news_events as (
    select * from {{ ref('stg_brevo__contact_events') }}
    where event_type = 'unsubscribed'
),

shopware_granted as (
    select
        {{ conform('consent', from_record('shop_recipients', 'newsletter_recipients', {
            'contact_record_id': "'newsletter_recipient:' || shop_recipients.source_record_id",
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'true',
            'legal_basis_code': "'consent'",
            'statement_code': "case when shop_recipients.confirmed_at is null then 'single_opt_in' else 'double_opt_in' end",
            'stated_at': 'coalesce(shop_recipients.confirmed_at, shop_recipients.created_at)'
        })) }}
    from shop_recipients
    where shop_recipients.status in ('optIn', 'direct') or shop_recipients.confirmed_at is not null
),

shopware_withdrawn as (
    select
        {{ conform('consent', from_record('shop_recipients', 'newsletter_recipients', {
            'contact_record_id': "'newsletter_recipient:' || shop_recipients.source_record_id",
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'false',
            'legal_basis_code': "'none'",
            'statement_code': "'unsubscribed'",
            'stated_at': 'coalesce(shop_recipients.source_updated_at, shop_recipients.created_at)'
        })) }}
    from shop_recipients
    where shop_recipients.status = 'optOut'
),

odoo_withdrawn as (
    select
        {{ conform('consent', from_record('erp_partners', 'partners', {
            'contact_record_id': 'erp_partners.source_record_id',
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'false',
            'legal_basis_code': "'none'",
            'statement_code': "'blacklisted'",
            'stated_at': 'erp_partners.source_updated_at'
        })) }}
    from erp_partners
),

hubspot as (
    select
        {{ conform('consent', from_record('crm_contacts', 'contacts', {
            'contact_record_id': 'crm_contacts.source_record_id',
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'not coalesce(crm_contacts.hs_email_optout, false)',
            'legal_basis_code': legal_basis('crm_contacts.hs_legal_basis'),
            'statement_code': "case when crm_contacts.hs_email_optout then 'unsubscribed' else 'legal_basis' end",
            'stated_at': 'case when crm_contacts.hs_email_optout then crm_contacts.source_updated_at else crm_contacts.created_at end'
        })) }}
    from crm_contacts
    where crm_contacts.hs_email_optout or crm_contacts.hs_legal_basis is not null
),

-- Only a confirmed subscription permits: addresses are imported into newsletter tools too.
brevo_confirmed as (
    select
        {{ conform('consent', from_record('news_contacts', 'contacts', {
            'contact_record_id': 'news_contacts.source_record_id',
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'true',
            'legal_basis_code': "'consent'",
            'statement_code': "'double_opt_in'",
            'stated_at': 'coalesce(news_contacts.opt_in_at, news_contacts.created_at)'
        })) }}
    from news_contacts
    where news_contacts.opt_in_at is not null or lower(news_contacts.double_opt_in) in ('1', 'yes', 'true')
),

brevo_blocked as (
    select
        {{ conform('consent', from_record('news_contacts', 'contacts', {
            'contact_record_id': 'news_contacts.source_record_id',
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'false',
            'legal_basis_code': "'none'",
            'statement_code': "'blacklisted'",
            'stated_at': 'coalesce(news_contacts.source_updated_at, news_contacts.created_at)'
        })) }}
    from news_contacts
    where news_contacts.email_blacklisted
),

brevo_unsubscribed as (
    select
        {{ conform('consent', from_record('news_events', 'contact_events', {
            'contact_record_id': 'news_events.contact_id',
            'purpose_code': "'marketing'",
            'channel_code': "'email'",
            'is_granted': 'false',
            'legal_basis_code': "'none'",
            'statement_code': "'unsubscribed'",
            'stated_at': 'news_events.occurred_at'
        })) }}
    from news_events
)

select * from shopware_granted
union all
select * from shopware_withdrawn
union all
select * from odoo_withdrawn
union all
select * from hubspot
union all
select * from brevo_confirmed
union all
select * from brevo_blocked
union all
select * from brevo_unsubscribed
