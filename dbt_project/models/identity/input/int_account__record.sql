-- Companies as each system knows them: one row per live source record.
with

shop_customers as (
    select * from {{ ref('stg_shopware__customers') }}
),

shop_addresses as (
    select * from {{ ref('stg_shopware__addresses') }}
),

shop_groups as (
    select * from {{ ref('stg_shopware__groups') }}
),

customer_groups as (
    select * from {{ ref('customer_group') }}
),

shop_numbers as (
    select
        customer_number,
        min(source_instance) as source_instance,
        min(source_record_id) as source_record_id
    from shop_customers
    group by customer_number
    having count(*) = 1
),

free_mail as (
    select domain from {{ ref('free_mail_domain') }}
),

support_organizations as (
    select * from {{ ref('stg_zendesk__organizations') }}
),

erp_partners as (
    select * from {{ ref('stg_odoo__partners') }}
),

crm_companies as (
    select * from {{ ref('stg_hubspot__companies') }}
),

news_companies as (
    select * from {{ ref('stg_brevo__companies') }}
),

company_files as (
    select * from {{ ref('stg_files__companies') }}
),

shopware as (
    select
        {{ entity_record('account', 'shop_customers', {
            'name': 'coalesce(shop_customers.company, shop_addresses.company)',
            'vat_id': 'shop_customers.vat_id',
            'domain': 'case when free_mail.domain is null then ' ~ email_domain('shop_customers.email') ~ ' end',
            'phone': 'shop_addresses.phone_number',
            'street': 'shop_addresses.street',
            'postcode': 'shop_addresses.zipcode',
            'city': 'shop_addresses.city',
            'country': 'shop_addresses.country_iso',
            'linked_system': "case when shop_customers.crm_company_id is not null then 'hubspot' end",
            'linked_instance': 'case when shop_customers.crm_company_id is not null then ' ~ only_instance('stg_hubspot__companies') ~ ' end',
            'linked_record_id': 'shop_customers.crm_company_id',
            'segment_code': 'coalesce(customer_groups.segment_code, lower(shop_groups.name))',
            'account_class_code': 'customer_groups.account_class_code',
            'has_running_contract': 'customer_groups.has_running_contract',
            'is_blocked': 'not shop_customers.active'
        }) }}
    from shop_customers
    left join shop_addresses
        on
            shop_customers.source_instance = shop_addresses.source_instance
            and shop_customers.default_billing_address_id = shop_addresses.source_record_id
    left join shop_groups
        on shop_customers.source_instance = shop_groups.source_instance and shop_customers.group_id = shop_groups.source_record_id
    left join customer_groups
        on lower(shop_groups.name) = customer_groups.group_name
    left join free_mail
        on {{ email_domain('shop_customers.email') }} = free_mail.domain
    -- A customer without a company is a person; their orders reach a company through that person, if at all.
    where coalesce(shop_customers.company, shop_addresses.company, shop_customers.vat_id) is not null
),

-- The desk's external id is the shop's customer number by custom; the CRM's company id, where somebody keyed it in, says more.
zendesk as (
    select
        {{ entity_record('account', 'support_organizations', {
            'name': 'support_organizations.name',
            'domain': web_domain(json_first('support_organizations.domain_names')),
            'linked_system':
                "case when support_organizations.crm_company_id is not null then 'hubspot' when shop_numbers.customer_number is not null then 'shopware' end",
            'linked_instance':
                'case when support_organizations.crm_company_id is not null then ' ~ only_instance('stg_hubspot__companies')
                ~ ' else shop_numbers.source_instance end',
            'linked_record_id': 'coalesce(support_organizations.crm_company_id, shop_numbers.source_record_id)'
        }) }}
    from support_organizations
    left join shop_numbers
        on support_organizations.external_id = shop_numbers.customer_number
),

odoo as (
    select
        {{ entity_record('account', 'erp_partners', {
            'name': 'erp_partners.name',
            'vat_id': 'erp_partners.vat',
            'domain': web_domain('erp_partners.website'),
            'email': 'erp_partners.email',
            'phone': 'coalesce(erp_partners.phone, erp_partners.mobile)',
            'street': 'erp_partners.street',
            'postcode': 'erp_partners.zip',
            'city': 'erp_partners.city',
            'country': 'erp_partners.country_name',
            'parent_record_id': 'erp_partners.parent_id',
            'owner_record_id': 'erp_partners.user_id',
            'industry_code': 'erp_partners.industry_name',
            'account_type_code': "case when erp_partners.customer_rank > 0 then 'customer' when erp_partners.supplier_rank > 0 then 'supplier' end",
            'is_blocked': 'not erp_partners.active'
        }) }}
    from erp_partners
    where erp_partners.is_company
),

hubspot as (
    select
        {{ entity_record('account', 'crm_companies', {
            'name': 'crm_companies.name',
            'domain': web_domain('coalesce(crm_companies.domain, crm_companies.website)'),
            'vat_id': 'crm_companies.vat_id',
            'phone': 'crm_companies.phone',
            'street': 'crm_companies.address',
            'postcode': 'crm_companies.zip',
            'city': 'crm_companies.city',
            'country': 'crm_companies.country',
            'parent_record_id': 'crm_companies.hs_parent_company_id',
            'owner_record_id': 'crm_companies.hubspot_owner_id',
            'industry_code': 'lower(crm_companies.industry)',
            'employee_count': 'crm_companies.numberofemployees',
            'annual_revenue_amount': 'crm_companies.annualrevenue',
            'account_type_code': 'lower(crm_companies.type)',
            'exit_reason_code': 'lower(crm_companies.exit_reason)',
            'linked_system': "case when shop_numbers.customer_number is not null then 'shopware' end",
            'linked_instance': 'shop_numbers.source_instance',
            'linked_record_id': 'shop_numbers.source_record_id'
        }) }}
    from crm_companies
    left join shop_numbers
        on crm_companies.customer_number = shop_numbers.customer_number
),

brevo as (
    select
        {{ entity_record('account', 'news_companies', {
            'name': 'news_companies.name',
            'domain': web_domain('news_companies.domain'),
            'phone': 'news_companies.phone',
            'industry_code': 'lower(news_companies.industry)'
        }) }}
    from news_companies
),

files as (
    select
        {{ entity_record('account', 'company_files', {
            'name': 'company_files.name',
            'domain': 'company_files.domain',
            'register_no': 'company_files.register_no',
            'vat_id': 'company_files.vat_id',
            'phone': 'company_files.phone',
            'street': 'company_files.street',
            'postcode': 'company_files.zip',
            'city': 'company_files.city',
            'country': 'company_files.country',
            'industry_code': 'lower(company_files.industry)',
            'employee_count': 'company_files.employee_count',
            'annual_revenue_amount': 'company_files.annual_revenue'
        }) }}
    from company_files
)

select * from shopware
union all
select * from zendesk
union all
select * from odoo
union all
select * from hubspot
union all
select * from brevo
union all
select * from files
