-- People as each system knows them: one row per live source record. Holds names and addresses, therefore it is never published.
with

shop_customers as (
    select * from {{ ref('stg_shopware__customers') }}
),

shop_addresses as (
    select * from {{ ref('stg_shopware__addresses') }}
),

shop_recipients as (
    select * from {{ ref('stg_shopware__newsletter_recipients') }}
),

support_users as (
    select * from {{ ref('stg_zendesk__users') }}
),

erp_partners as (
    select * from {{ ref('stg_odoo__partners') }}
),

crm_contacts as (
    select * from {{ ref('stg_hubspot__contacts') }}
),

fair_visits as (
    select * from {{ ref('stg_files__fair_visits') }}
),

webinars as (
    select * from {{ ref('stg_files__webinar_attendance') }}
),

news_contacts as (
    select * from {{ ref('stg_brevo__contacts') }}
),

shopware_customers as (
    select
        {{ entity_record('contact', 'shop_customers', {
            'first_name': 'shop_customers.first_name',
            'last_name': 'shop_customers.last_name',
            'email': 'shop_customers.email',
            'phone': 'shop_addresses.phone_number',
            'street': 'shop_addresses.street',
            'postcode': 'shop_addresses.zipcode',
            'city': 'shop_addresses.city',
            'country': 'shop_addresses.country_iso',
            'department': 'shop_addresses.department',
            'account_record_id':
                'case when coalesce(shop_customers.company, shop_addresses.company, shop_customers.vat_id) is not null then shop_customers.source_record_id end',
            'linked_system': "case when shop_customers.crm_contact_id is not null then 'hubspot' end",
            'linked_instance': 'case when shop_customers.crm_contact_id is not null then ' ~ only_instance('stg_hubspot__contacts') ~ ' end',
            'linked_record_id': 'shop_customers.crm_contact_id',
            'is_active': 'shop_customers.active'
        }) }}
    from shop_customers
    left join shop_addresses
        on
            shop_customers.source_instance = shop_addresses.source_instance
            and shop_customers.default_billing_address_id = shop_addresses.source_record_id
),

-- Who only reads the newsletter has no customer number: the prefix keeps the two kinds of ids apart.
shopware_recipients as (
    select
        {{ entity_record('contact', 'shop_recipients', {
            'source_record_id': "'newsletter_recipient:' || shop_recipients.source_record_id",
            'first_name': 'shop_recipients.first_name',
            'last_name': 'shop_recipients.last_name',
            'email': 'shop_recipients.email',
            'postcode': 'shop_recipients.zip_code',
            'city': 'shop_recipients.city'
        }) }}
    from shop_recipients
),

zendesk as (
    select
        {{ entity_record('contact', 'support_users', {
            'first_name': "nullif(split_part(support_users.name, ' ', 1), support_users.name)",
            'last_name': "trim(substr(support_users.name, length(split_part(support_users.name, ' ', 1)) + 1))",
            'email': 'support_users.email',
            'phone': 'support_users.phone',
            'account_record_id': 'support_users.organization_id',
            'language_code': 'left(lower(support_users.locale), 2)',
            'is_active': 'support_users.active and not coalesce(support_users.suspended, false)'
        }) }}
    from support_users
    -- Agents and admins are the company's own people.
    where support_users.role = 'end-user'
),

odoo as (
    select
        {{ entity_record('contact', 'erp_partners', {
            'first_name': "nullif(split_part(erp_partners.name, ' ', 1), erp_partners.name)",
            'last_name': "trim(substr(erp_partners.name, length(split_part(erp_partners.name, ' ', 1)) + 1))",
            'email': 'erp_partners.email',
            'phone': 'coalesce(erp_partners.phone, erp_partners.mobile)',
            'street': 'erp_partners.street',
            'postcode': 'erp_partners.zip',
            'city': 'erp_partners.city',
            'country': 'erp_partners.country_name',
            'account_record_id': 'nullif(coalesce(erp_partners.commercial_partner_id, erp_partners.parent_id), erp_partners.source_record_id)',
            'owner_record_id': 'erp_partners.user_id',
            'job_title': 'erp_partners.function',
            'language_code': 'left(lower(erp_partners.lang), 2)',
            'is_active': 'erp_partners.active'
        }) }}
    from erp_partners
    -- Delivery and invoice addresses of a company are partners too, but nobody.
    where not erp_partners.is_company and coalesce(erp_partners.type, 'contact') = 'contact'
),

hubspot as (
    select
        {{ entity_record('contact', 'crm_contacts', {
            'first_name': 'crm_contacts.firstname',
            'last_name': 'crm_contacts.lastname',
            'email': 'crm_contacts.email',
            'phone': 'crm_contacts.phone',
            'street': 'crm_contacts.address',
            'postcode': 'crm_contacts.zip',
            'city': 'crm_contacts.city',
            'country': 'crm_contacts.country',
            'account_record_id': 'crm_contacts.associatedcompanyid',
            'owner_record_id': 'crm_contacts.hubspot_owner_id',
            'job_title': 'crm_contacts.jobtitle',
            'seniority_code': 'lower(crm_contacts.hs_seniority)',
            'persona_code': 'lower(crm_contacts.hs_persona)',
            'buying_centre_role_code': buying_role('crm_contacts.hs_buying_role'),
            'language_code': 'left(lower(crm_contacts.hs_language), 2)'
        }) }}
    from crm_contacts
),

brevo as (
    select
        {{ entity_record('contact', 'news_contacts', {
            'first_name': 'news_contacts.first_name',
            'last_name': 'news_contacts.last_name',
            'email': 'news_contacts.email',
            'phone': 'news_contacts.phone',
            'linked_system': "case when news_contacts.ext_id is not null then 'hubspot' end",
            'linked_instance': 'case when news_contacts.ext_id is not null then ' ~ only_instance('stg_hubspot__contacts') ~ ' end',
            'linked_record_id': 'news_contacts.ext_id'
        }) }}
    from news_contacts
),

files_fair as (
    select
        {{ entity_record('contact', 'fair_visits', {
            'source_record_id': "'fair_visits:' || fair_visits.source_record_id",
            'first_name': 'fair_visits.first_name',
            'last_name': 'fair_visits.last_name',
            'email': 'fair_visits.email',
            'phone': 'fair_visits.phone',
            'postcode': 'fair_visits.zip',
            'street': 'fair_visits.street',
            'city': 'fair_visits.city',
            'account_record_id': file_company_id('fair_visits.company', 'fair_visits.zip'),
            'created_at': 'cast(fair_visits.visited_on as timestamp)'
        }) }}
    from fair_visits
),

files_webinar as (
    select
        {{ entity_record('contact', 'webinars', {
            'source_record_id': "'webinar_attendance:' || webinars.source_record_id",
            'first_name': 'webinars.first_name',
            'last_name': 'webinars.last_name',
            'email': 'webinars.email',
            'account_record_id': file_company_id('webinars.company', 'null'),
            'created_at': 'webinars.held_at'
        }) }}
    from webinars
)

select * from shopware_customers
union all
select * from shopware_recipients
union all
select * from zendesk
union all
select * from odoo
union all
select * from hubspot
union all
select * from brevo
union all
select * from files_fair
union all
select * from files_webinar
