-- Every statement of a source that a person acts for a company, under the vendors' own ids.
with

people as (
    select * from {{ ref('int_contact__record') }}
    where account_record_id is not null
),

crm_links as (
    select * from {{ ref('stg_hubspot__links') }}
    where from_type = 'contact' and to_type = 'company'
),

news_links as (
    {{ json_rows(ref('stg_brevo__companies'), ['source_instance', 'source_record_id', 'source_updated_at'], 'linked_contacts_ids') }}
),

own as (
    select
        {{ conform('contact_account', {
            'source_system': 'people.source_system',
            'source_instance': 'people.source_instance',
            'contact_record_id': 'people.source_record_id',
            'account_record_id': 'people.account_record_id',
            'relation_type': "'employee'",
            'is_primary': 'true',
            'updated_at': 'coalesce(people.updated_at, people.created_at)'
        }) }}
    from people
),

associated as (
    select
        {{ conform('contact_account', {
            'source_system': "'hubspot'",
            'source_instance': 'crm_links.source_instance',
            'contact_record_id': 'crm_links.from_id',
            'account_record_id': 'crm_links.to_id',
            'relation_type': "case when crm_links.is_primary or crm_links.label is null then 'employee' else lower(crm_links.label) end",
            'is_primary': 'crm_links.is_primary',
            'updated_at': 'coalesce(crm_links.source_updated_at, crm_links.loaded_at)'
        }) }}
    from crm_links
),

listed as (
    select
        {{ conform('contact_account', {
            'source_system': "'brevo'",
            'source_instance': 'news_links.source_instance',
            'contact_record_id': 'news_links.element',
            'account_record_id': 'news_links.source_record_id',
            'relation_type': "'employee'",
            'is_primary': 'false',
            'updated_at': 'news_links.source_updated_at'
        }) }}
    from news_links
)

select * from own
union all
select * from associated
union all
select * from listed
